"""What Bedrock counts of a messages request's tokens, in Anthropic's words."""

from adapters.chat import Json
from adapters.dialects.encoding import to_json
from adapters.dialects.plain import PlainRelay


class Counted(PlainRelay):
    """A count in Anthropic's words."""

    __slots__ = ()

    def _written(self, answer: Json, body: bytes) -> bytes:
        super()._written(answer, body)
        return to_json({"input_tokens": answer["inputTokens"]})
