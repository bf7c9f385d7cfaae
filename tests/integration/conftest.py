"""Fixtures of the integration tests: real engines, and Weirs in front of them."""
