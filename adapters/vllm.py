"""vLLM: an engine on the company's own GPUs, speaking OpenAI's dialect with additions of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from adapters.call import Call, Dialect, Outgoing
from adapters.chat import Json
from adapters.dialects.responses.stored import CARRIED_TOOLS, refuse_hosted, refuse_stored
from adapters.errors import Unsupported
from adapters.openai import OpenAI

_BLOCKS: Final = frozenset(  # of a messages request, as vLLM 0.32 reads them
    ("text", "image", "tool_use", "tool_result", "tool_reference", "thinking", "redacted_thinking",
     "tool_addition", "tool_removal")
)  # fmt: skip
_OF_RESPONSES: Final = frozenset(
    {"previous_response_id", "store"}
)  # what an engine does that keeps responses
_NOTHING: Final[frozenset[str]] = frozenset()
_NOT_AN_ENGINES: Final = {"delete": "the deletion of a response", "items": "a response's input items"}
_TOOLS: Final = CARRIED_TOOLS | {"namespace"}  # of a responses request


@dataclass(frozen=True, slots=True)
class VLLM(OpenAI):
    """A backend of the kind `vllm`: as `OpenAI`, the key being the engine's `--api-key`, if it has one.

    It also speaks messages, and what an engine alone can do: rerank, score, tokenize. Unknown fields are its to
    judge, errors come in three shapes (`adapters.refusals`), per-request metrics and `created_cache_tokens` are
    read by the chat relay.
    """

    kind: ClassVar[str] = "vllm"
    dialects: ClassVar[frozenset[Dialect]] = frozenset(
        ("chat", "completions", "embeddings", "responses", "response", "messages", "count_tokens", "rerank", "score",
         "tokenize", "detokenize")
    )  # fmt: skip
    engine: ClassVar[bool] = True

    keeps_responses: bool = False  # it was started with VLLM_ENABLE_RESPONSES_API_STORE

    def outgoing(self, call: Call, model: str) -> Outgoing:
        """As `OpenAI`. Raises Unsupported for what Anthropic does for a messages request, or OpenAI for a
        responses request, and an engine would silently leave undone."""
        if call.dialect in ("messages", "count_tokens"):
            _refuse_services(call)
        elif call.dialect == "responses":
            refuse_stored(call.document.values, _OF_RESPONSES if self.keeps_responses else _NOTHING)
            refuse_hosted(call.document.values, _TOOLS)
        elif call.dialect == "response":
            _refuse_what_engines_lack(call, keeps=self.keeps_responses)
        return OpenAI.outgoing(self, call, model)

    def speaks(self, call: Call) -> bool:
        """As `OpenAI`, but for responses requests that vLLM's chat understands better than its responses do."""
        overlooked = call.dialect == "responses" and _overlooked(call.document.values)
        return not overlooked and OpenAI.speaks(self, call)


def _refuse_what_engines_lack(call: Call, *, keeps: bool) -> None:
    action = call.document.values["action"]
    if not keeps:
        raise Unsupported("response_id", "this engine was not started so that it keeps responses")
    if action in _NOT_AN_ENGINES:
        raise Unsupported("response_id", f"an engine does not serve {_NOT_AN_ENGINES[action]}")


def _overlooked(values: Mapping[str, Any]) -> bool:
    """Whether vLLM 0.32 would silently leave something of a responses request undone: a choice among some of the
    tools, or an assistant's words behind its first part."""
    choice = values.get("tool_choice")
    some = isinstance(choice, dict) and choice.get("type") == "allowed_tools"
    return some or any(
        item.get("role") == "assistant" and len(_objects(item.get("content"))) > 1
        for item in _objects(values.get("input"))
    )


def _refuse_services(call: Call) -> None:
    values = call.document.values
    for key in ("mcp_servers", "container"):
        if values.get(key):
            raise Unsupported(key, f"'{key}' is a service of Anthropic's that an engine does not have")
    for i, tool in enumerate(_objects(values.get("tools"))):
        if tool.get("type") not in (None, "custom"):
            raise Unsupported(
                f"tools[{i}].type", f"an engine runs no tools of the type '{tool['type']}' itself"
            )
    for i, message in enumerate(_objects(values.get("messages"))):
        for block in _objects(message.get("content")):
            if str(block.get("type")) not in _BLOCKS:
                raise Unsupported(
                    f"messages[{i}].content",
                    f"an engine does not read content of the type '{block.get('type')}'",
                )


def _objects(value: object) -> list[Json]:
    """The objects of a list; what else there is, the engine will complain of."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
