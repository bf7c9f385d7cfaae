"""Signatures on calls of tools (Gemini's), carried by clients whose dialects have no place for them on the call.

Gemini signs what it thought before a call, and refuses the next turn of a tool loop without that. Clients of messages
and responses send sealed thoughts back unchanged, so the signature stands before its call as one, behind a mark of
Weir's own; on the way back to a provider that signs it is put on the call again, and anybody else is not told of it.
"""

from typing import Any, Final

from adapters.chat import Json, Thinking

MARK: Final = "weir.call:"


def sealed(call: Json) -> Thinking | None:
    """The sealed thought that stands for the signature on a call of a chat answer; None where there is none."""
    signature = (((call.get("extra_content") or {}).get("google")) or {}).get("thought_signature")
    return Thinking("", redacted=MARK + signature) if isinstance(signature, str) and signature else None


def signature_in(part: Any) -> str:
    """The signature that a thought of an earlier turn stands for; empty where it stands for itself."""
    return part.redacted[len(MARK) :] if isinstance(part, Thinking) and part.redacted.startswith(MARK) else ""


def signed(call: Json, signature: str) -> Json:
    """A call of a chat request with its signature."""
    return {**call, "extra_content": {"google": {"thought_signature": signature}}} if signature else call


def is_mark(block: Any) -> bool:
    """Whether a block of a messages request is such a thought."""
    data = block.get("data") if isinstance(block, dict) and block.get("type") == "redacted_thinking" else None
    return isinstance(data, str) and data.startswith(MARK)
