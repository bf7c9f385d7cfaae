"""Anthropic's messages: a dialect of content blocks, where thinking is signed and caching is asked for."""
