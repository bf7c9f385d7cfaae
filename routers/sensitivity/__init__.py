"""Segments to findings to a label, and redaction as a pure function."""
