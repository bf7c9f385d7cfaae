"""What Anthropic keeps and is told by name: files, containers in which it runs code, skills; and what answers leave."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.dialects.kept import named
from adapters.others import OFTEN, others

_NAMELESS: Final = frozenset(  # members of a request that hold no name, or only what the application made up
    ("model", "max_tokens", "metadata", "stop_sequences", "stream", "system", "temperature", "thinking", "tool_choice",
     "top_k", "top_p", "output_config", "output_format", "service_tier", "cache_control")
)  # fmt: skip
_SPOKEN: Final = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_CALLED: Final = frozenset({"input"})  # the arguments of a tool


def references(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of kept objects in a messages request. Each once, in order."""
    found: dict[str, None] = {}
    for key, value in values.items():
        if key == "messages":
            _of_messages(value, found)
        elif key == "tools":
            for tool in value if isinstance(value, list) else ():
                if isinstance(tool, dict) and tool.get("type") not in (None, "custom"):
                    found.update(dict.fromkeys(named(tool)))
        elif key == "container":
            found.update(dict.fromkeys(_of_container(value)))
        elif key not in _NAMELESS and value.__class__ in (dict, list, str):
            found.update(dict.fromkeys(named(value, key)))
    return tuple(found)


def _of_messages(messages: Any, found: dict[str, None]) -> None:
    for i, message in enumerate(messages if isinstance(messages, list) else ()):
        if i & OFTEN == OFTEN:
            others()
        content = message.get("content") if isinstance(message, dict) else None
        if content.__class__ is list:
            _of_blocks(content, found)


def _of_blocks(blocks: list[Any], found: dict[str, None]) -> None:
    for block in blocks:
        if not isinstance(block, dict) or str(block.get("type")) in _SPOKEN:
            continue
        content = block.get("content")
        if block.get("type") == "tool_result" and isinstance(content, list):
            _of_blocks(content, found)
        else:
            found.update(dict.fromkeys(named(block, made_up=_CALLED)))


def _of_container(container: Any) -> list[str]:
    """A container's own name, and those of skills that somebody wrote; Anthropic's own are everybody's."""
    if not isinstance(container, dict):
        return list(named(container, "container"))
    skills = container.get("skills")
    written = [
        skill
        for skill in (skills if isinstance(skills, list) else ())
        if not isinstance(skill, dict) or skill.get("type") != "anthropic"
    ]
    rest = {key: value for key, value in container.items() if key != "skills"}
    return [*named(rest, "container"), *named(written)]


def made(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what a message, or the end of a streamed one, leaves: the container its tools ran in, and the files
    they wrote there."""
    container = answer.get("container")
    if isinstance(container, dict):
        container = container.get("id")
    names = [container] if container and isinstance(container, str) else []
    content = answer.get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict):
            names += left_by(block)
    return tuple(dict.fromkeys(names))


def left_by(block: Mapping[str, Any]) -> list[str]:
    """The names of the files that one of the provider's own tools wrote, as its result has them."""
    if block.get("type") in _SPOKEN or not str(block.get("type")).endswith("_tool_result"):
        return []
    return list(named(block.get("content"), made_up=_CALLED))
