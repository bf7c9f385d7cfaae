"""Budgets and limits: held before a call from an upper estimate, settled after it with the real charge."""
