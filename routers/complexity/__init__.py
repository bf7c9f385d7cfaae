"""Text to a score and a kind, with the weights that ship."""
