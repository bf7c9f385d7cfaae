"""The policy: boundaries make permits, rules make decisions."""
