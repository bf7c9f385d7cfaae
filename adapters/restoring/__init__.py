"""Puts values back in an answer where the model wrote the placeholders that stood for them."""
