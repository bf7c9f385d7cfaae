"""What a stand-in needs to know of a request, whichever dialect it came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer, with the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, reduced to what a canned answer can depend on."""

    model: str
    turns: tuple[tuple[str, str], ...] = field(repr=False)  # role and text, in order
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or a tool's name
    parallel: bool = True
    schema: Mapping[str, Any] | None = None  # answer with JSON that satisfies this
    max_tokens: int | None = None
    to_the_limit: bool = False  # vLLM's `ignore_eos`: go on until max_tokens
    thinking: bool = False  # Anthropic's extended thinking
    stream: bool = False
    spoilt: str = ""  # how the answer is to be a bad one: a mode of `faults.SPOILT`

    @property
    def question(self) -> str:
        """The last thing the user said."""
        return next((text for role, text in reversed(self.turns) if role == "user" and text), "")

    @property
    def tool_result(self) -> str | None:
        """The result of a tool, where that is the last thing that came."""
        role, text = self.turns[-1] if self.turns else ("", "")
        return text if role == "tool" else None

    @property
    def text(self) -> str:
        """The prompt as a chat template would write it."""
        return "".join(f"<|{role}|>\n{text}\n" for role, text in self.turns) + "<|assistant|>\n"


def from_chat(body: Mapping[str, Any], spoilt: str = "") -> Ask:
    """Read a chat-completions body. Raises KeyError, TypeError, AttributeError where it is not one."""
    turns = [
        (str(m["role"]), _text(m.get("content")) + _calls(m.get("tool_calls"))) for m in body["messages"]
    ]
    tools = tuple(
        Tool(f["name"], f.get("description") or "", f.get("parameters") or {})
        for f in (tool["function"] for tool in body.get("tools") or () if tool["type"] == "function")
    )
    if tools:
        turns.insert(
            0, ("tools", " ".join(f"{tool.name} {tool.description} {tool.schema}" for tool in tools))
        )
    choice = body.get("tool_choice") or "auto"
    return Ask(
        model=str(body["model"]),
        turns=tuple(turns),
        tools=tools,
        tool_choice=choice if isinstance(choice, str) else choice["function"]["name"],
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_response_schema(body.get("response_format")),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        to_the_limit=body.get("ignore_eos") is True,
        stream=body.get("stream") is True,
        spoilt=spoilt,
    )


def from_messages(body: Mapping[str, Any], spoilt: str = "") -> Ask:
    """Read a messages body. Raises KeyError, TypeError, AttributeError where it is not one."""
    turns = [("system", _text(body["system"]))] if body.get("system") else []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        turns += [(_role(message["role"], block), _block_text(block)) for block in blocks]
    tools = tuple(
        Tool(tool["name"], tool.get("description") or "", tool.get("input_schema") or {})
        for tool in body.get("tools") or ()
    )
    if tools:
        turns.insert(
            0, ("tools", " ".join(f"{tool.name} {tool.description} {tool.schema}" for tool in tools))
        )
    choice = body.get("tool_choice") or {"type": "auto"}
    kinds = {"auto": "auto", "any": "required", "none": "none", "tool": choice.get("name", "")}
    return Ask(
        model=str(body["model"]),
        turns=tuple(turns),
        tools=tools,
        tool_choice=kinds[choice["type"]],
        parallel=choice.get("disable_parallel_tool_use") is not True,
        schema=((body.get("output_config") or {}).get("format") or {}).get("schema"),
        max_tokens=body["max_tokens"],
        thinking=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
        stream=body.get("stream") is True,
        spoilt=spoilt,
    )


def _text(content: object) -> str:
    """The text of a string or of content parts; what is no text counts as a marker of its type."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return " ".join(_block_text(part) for part in content)
    return ""


def _block_text(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "text":
            return str(block["text"])
        case "tool_result":
            return _text(block.get("content"))
        case "tool_use":
            return f"{block['name']} {block['input']}"
        case other:
            return f"[{other}]"


def _role(role: str, block: Mapping[str, Any]) -> str:
    return "tool" if block["type"] == "tool_result" else role


def _calls(calls: Sequence[Mapping[str, Any]] | None) -> str:
    return " ".join(f"{call['function']['name']} {call['function']['arguments']}" for call in calls or ())


def _response_schema(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    match (response_format or {}).get("type"):
        case "json_schema":
            schema = (response_format or {})["json_schema"]["schema"]
            return dict(schema)
        case "json_object":
            return {"type": "object"}
        case _:
            return None
