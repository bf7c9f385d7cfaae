"""How models refuse where their wire has no word for it: open models do so in prose only.

Openings of answers that do nothing else, in the four languages they are met most in. Other wordings, and long answers,
pass for answers: a refusal that is missed costs nothing new, an answer taken for one costs a second call.
"""

import re
from typing import Final

LONGEST: Final = 600  # characters; a longer answer has said something

_CANNOT: Final = "(?:can't|cannot|can not|won't|(?:am|'m) (?:unable|not able) to|must decline to)"
_HELP: Final = (
    "(?:help|assist|comply|fulfil|provide|answer|do that|do this|continue|create|generate|write|support)"
)
_OPENINGS: Final = (
    rf"(?:i'm |i am |we're )?(?:really |very |so )?(?:sorry|afraid)\b.{{0,40}}?\b(?:i|we) ?{_CANNOT} ?",
    rf"(?:i|we) ?{_CANNOT} {_HELP}\b",
    r"as an ai\b.{0,60}?\b(?:can't|cannot|unable|not able)\b",
    r"(?:es )?tut mir (?:sehr )?leid\b.{0,60}?\bnicht\b",
    r"(?:dabei|damit|hierbei) kann ich\b.{0,60}?\bnicht\b",
    r"(?:je suis )?(?:vraiment )?désolée?\b.{0,60}?\bje ne (?:peux|suis)\b",
    r"lo siento\b.{0,60}?\bno (?:puedo|podemos)\b",
)
_opens = re.compile(
    rf"\W*(?:unfortunately|leider|malheureusement|lamentablemente)?\W*(?:{'|'.join(_OPENINGS)})", re.DOTALL
).match


def refuses(text: str) -> bool:
    """Whether an answer's words are a refusal and nothing else."""
    return len(text) <= LONGEST and _opens(text.lower().replace("\u2019", "'")) is not None
