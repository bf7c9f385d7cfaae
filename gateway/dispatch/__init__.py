"""Attempts: order, fall back, break, relay, cancel."""
