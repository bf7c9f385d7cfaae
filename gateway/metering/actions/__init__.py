"""Which requests belong to one action, what it cost, and whether it succeeded."""
