"""The `weir` command: one module for each of its verbs."""
