"""Paths, authentication, and the one place that turns errors into HTTP."""
