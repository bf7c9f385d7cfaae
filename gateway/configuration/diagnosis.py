"""What pydantic found wrong, said in the reader's words with the line it stands on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from gateway.configuration.problems import Problem, nearest
from gateway.configuration.source import Route, Source

_PATTERNS: Final = (  # how a pattern begins, and what it asks for
    ("^[A-Za-z0-9][", "a name has letters, digits and . _ - : / @ +, and begins with a letter or digit"),
    ("^[0-9a-f]{64}", "a SHA-256 has 64 hexadecimal digits in lower case: `weir keys create` prints it"),
    ("^[^/*]+/", "a model is written with who sells it, like openai/gpt-5 or openai/*"),
    ("^([a-z]{2}|und)", "a language is two small letters (ISO 639-1) or `und`"),
)
_SAID: Final[Mapping[str, str]] = {
    "string_type": "a text is wanted here; put it in quotes if it looks like a number",
    "bool_type": "`true` or `false` is wanted here",
    "bool_parsing": "`true` or `false` is wanted here",
    "dict_type": "a mapping is wanted here, like {key: value}",
    "model_type": "a mapping is wanted here, like {key: value}",
    "list_type": "a list is wanted here, like [one, two]",
    "too_short": "it may not be empty",
    "date_from_datetime_parsing": "a day is wanted here, like 2027-06-30",
    "datetime_from_date_parsing": "a day or a moment is wanted here, like 2027-06-30 or 2027-06-30T12:00:00Z",
}


def problems_of(error: ValidationError, source: Source, schema: dict[str, Any]) -> list[Problem]:
    """Each fault once, at its line, with a suggestion where there is one."""
    found = (_problem(fault, source, schema) for fault in error.errors(include_url=False))
    return list(dict.fromkeys(found))


def _problem(fault: Any, source: Source, schema: dict[str, Any]) -> Problem:
    path = _path(fault["loc"], source)
    name = _named(path) or "the file"
    kind, context, value = fault["type"], fault.get("ctx", {}), fault["input"]
    place = source.place(path)
    shown = f"`{value}`" if isinstance(value, str) and source.shown(path) else "its value"
    match kind:
        case "extra_forbidden":
            return Problem(
                place,
                f"unknown key `{path[-1]}`{_in(path[:-1])}",
                nearest(path[-1], _keys(schema, path[:-1])),
            )
        case "missing":
            return Problem(place, f"`{fault['loc'][-1]}` is missing{_in(path)}")
        case "unknown_name":
            suggestion = nearest(value, context["allowed"].split(", "))
            return Problem(place, f"`{name}`: {shown} is not a {context['noun']}", suggestion)
        case "literal_error" | "enum":
            return Problem(
                place,
                f"`{name}`: {shown} is not possible",
                nearest(value, re.findall(r"'([^']*)'", context["expected"])),
            )
        case "value_error":
            return Problem(place, f"`{name}`: {context['error']}")
        case "string_pattern_mismatch":
            said = next(
                (text for begin, text in _PATTERNS if context["pattern"].startswith(begin)), fault["msg"]
            )
            return Problem(place, f"`{name}`: {said}")
    said = _SAID.get(kind) or fault["msg"].replace("Input should be", "it should be")
    return Problem(place, f"`{name}`: {said}")


def _in(path: Route) -> str:
    return f" in `{_named(path)}`" if path else ""


def _named(path: Route) -> str:
    """A path as text: `routes[0].when.kind`; lists count from 0."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _path(location: tuple[str | int, ...], source: Source) -> Route:
    """The place in the YAML: pydantic's location without the steps that name types."""
    path: Route = ()
    for step in location:
        if (*path, step) in source.places:
            path = (*path, step)
    return path


def _keys(schema: dict[str, Any], path: Route) -> list[str]:
    """The keys that may stand at a path."""
    nodes = list(_plain(schema, schema))
    for step in path:
        nodes = [
            inner for node in nodes for child in _children(node, step) for inner in _plain(schema, child)
        ]
    return [key for node in nodes for key in node.get("properties", {})]


def _children(node: dict[str, Any], step: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        if isinstance(node.get("items"), dict):
            yield node["items"]
    elif step in node.get("properties", {}):
        yield node["properties"][step]
    else:
        yield from node.get("patternProperties", {}).values()  # where names follow a pattern
        if isinstance(node.get("additionalProperties"), dict):
            yield node["additionalProperties"]


def _plain(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node with its references followed and its alternatives laid side by side."""
    if "$ref" in node:
        yield from _plain(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    for alternative in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _plain(schema, alternative)
    yield node
