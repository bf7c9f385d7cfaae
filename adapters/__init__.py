"""Speaks other people's wires: no policy, no money."""
