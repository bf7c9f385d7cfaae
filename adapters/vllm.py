"""vLLM: an engine on the company's own GPUs, speaking OpenAI's dialect with additions of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from adapters.call import Call, Dialect, Outgoing
from adapters.chat import Json
from adapters.dialects.responses.stored import CARRIED_TOOLS, refuse_hosted, refuse_stored
from adapters.document import Body
from adapters.errors import Unsupported
from adapters.openai import OpenAI

_BLOCKS: Final = frozenset(  # of a messages request, as vLLM 0.32 reads them
    ("text", "image", "tool_use", "tool_result", "tool_reference", "thinking", "redacted_thinking",
     "tool_addition", "tool_removal")
)  # fmt: skip
_OF_RESPONSES: Final = frozenset(
    {"previous_response_id", "store", "background"}
)  # what an engine does that keeps responses
_NOTHING: Final[frozenset[str]] = frozenset()
_NOT_AN_ENGINES: Final = {"delete": "the deletion of a response", "items": "a response's input items"}
_TOOLS: Final = CARRIED_TOOLS | {"namespace"}  # of a responses request
_TOLD_APART: Final = frozenset(
    {"additional_tools", "tool_search_call", "tool_search_output"}
)  # items about tools


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
        """As `OpenAI`. Raises Unsupported for what an engine does not do with a response that it keeps."""
        if call.dialect == "response":
            _refuse_what_engines_lack(call, keeps=self.keeps_responses)
        return OpenAI.outgoing(self, call, model)

    def speaks(self, call: Call) -> bool:
        """As `OpenAI`, but for messages and responses requests that vLLM's chat understands better."""
        values = call.document.values
        if call.dialect == "messages":
            return not any(_beyond_messages(values))
        overlooked = call.dialect == "responses" and _overlooked(values)
        return not overlooked and OpenAI.speaks(self, call)

    def _own(self, call: Call, model: str) -> Body:
        """As `OpenAI`. Raises Unsupported for what OpenAI does for a responses request, and an engine would silently
        leave undone, and for the id of a response where it might be another's; and for a count of what it does not
        read as messages: it counts in that dialect alone."""
        values = call.document.values
        if call.dialect == "responses":
            if self.keeps_responses and values.get("request_id"):
                raise Unsupported(
                    "request_id", "this engine keeps responses, and one of that id would be lost"
                )
            refuse_stored(values, _OF_RESPONSES if self.keeps_responses else _NOTHING)
            refuse_hosted(values, _TOOLS)
        elif call.dialect == "count_tokens":
            for beyond in _beyond_messages(values):
                raise beyond
        return OpenAI._own(self, call, model)  # noqa: SLF001  # no super() in slotted dataclasses

    def _as_chat(self, call: Call, model: str) -> Body:
        """As `OpenAI`. Raises Unsupported for documents that are more than text, too, which no engine reads."""
        for i, block in _blocks(call.document.values) if call.dialect == "messages" else ():
            if block.get("type") == "document" and _source(block) != "text":
                raise Unsupported(f"messages[{i}].content", "an engine reads no documents but text")
        return OpenAI._as_chat(self, call, model)  # noqa: SLF001  # no super() in slotted dataclasses


def _refuse_what_engines_lack(call: Call, *, keeps: bool) -> None:
    action = call.document.values["action"]
    if not keeps:
        raise Unsupported("response_id", "this engine was not started so that it keeps responses")
    if action in _NOT_AN_ENGINES:
        raise Unsupported("response_id", f"an engine does not serve {_NOT_AN_ENGINES[action]}")


def _overlooked(values: Mapping[str, Any]) -> bool:
    """Whether vLLM 0.32 would silently leave something of a responses request undone: a choice among some of the
    tools, tools that are held back or come later, or an assistant's words behind its first part."""
    choice = values.get("tool_choice")
    some = isinstance(choice, dict) and choice.get("type") == "allowed_tools"
    return (
        some
        or any(tool.get("type") == "tool_search" for tool in _objects(values.get("tools")))
        or any(
            str(item.get("type")) in _TOLD_APART
            or (item.get("role") == "assistant" and len(_objects(item.get("content"))) > 1)
            for item in _objects(values.get("input"))
        )
    )


def _beyond_messages(values: Mapping[str, Any]) -> Iterator[Unsupported]:
    """What of a messages request vLLM's own reading of them would leave undone."""
    for key in ("mcp_servers", "container"):
        if values.get(key):
            yield Unsupported(key, f"'{key}' is a service of Anthropic's that an engine does not have")
    for i, tool in enumerate(_objects(values.get("tools"))):
        if tool.get("type") not in (None, "custom"):
            yield Unsupported(
                f"tools[{i}].type", f"an engine runs no tools of the type '{tool['type']}' itself"
            )
    for i, block in _blocks(values):
        kind = str(block.get("type"))
        kept = kind == "image" and _source(block) == "file"
        if kept or kind not in _BLOCKS:
            yield Unsupported(
                f"messages[{i}].content", f"an engine does not read content of the type '{kind}'"
            )


def _blocks(values: Mapping[str, Any]) -> Iterator[tuple[int, Json]]:
    """Each block, and those inside tools' results, with its message's place."""
    for i, message in enumerate(_objects(values.get("messages"))):
        for block in _objects(message.get("content")):
            yield i, block
            if block.get("type") == "tool_result":
                yield from ((i, inner) for inner in _objects(block.get("content")))


def _source(block: Json) -> object:
    """Where a document or an image comes from."""
    source = block.get("source")
    return source.get("type") if isinstance(source, dict) else None


def _objects(value: object) -> list[Json]:
    """The objects of a list; what else there is, the engine will complain of."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
