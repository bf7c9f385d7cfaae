"""Word lists are written as prose and read as sets: one notation for all that match on words."""


def words(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


def folded(text: str) -> frozenset[bytes]:
    """The words of a line, as they are after folding a text to bytes."""
    return frozenset(word.encode() for word in text.split())
