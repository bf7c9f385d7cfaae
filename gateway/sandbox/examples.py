"""Values that satisfy a JSON schema, filled with a prompt's own words and numbers where they fit."""

import re
from collections.abc import Mapping
from typing import Any

words = re.compile(r"[^\W_]{2,}").findall

_no_topic = re.compile(
    r"about|between|could|explain|from|please|should|show|summarise|that|the(ir|m|re|se)|this|what|"
    r"wh(at|en|ere|ich)|with|would|write|your"
).fullmatch


def topics(text: str) -> list[str]:
    """Up to three words that the text seems to be about: its longest, in order.

    Words with digits are left out, so that no account number is ever echoed."""
    found = [
        word
        for word in dict.fromkeys(words(text))
        if len(word) > 3 and word.isalpha() and not _no_topic(word.lower())
    ]
    longest = sorted(found, key=len, reverse=True)[:3]
    return [word for word in found if word in longest] or ["your question"]


def example(schema: Mapping[str, Any], question: str = "") -> Any:
    """A value that satisfies a simple JSON schema, with the question's words and numbers where they fit."""
    return _example(schema, question, schema.get("$defs", {}), "")


def _example(schema: Mapping[str, Any], question: str, definitions: Mapping[str, Any], key: str) -> Any:
    if "$ref" in schema:
        return _example(definitions.get(schema["$ref"].rpartition("/")[2], {}), question, definitions, key)
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return _example(choices[0], question, definitions, key)
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed:
        said = question.lower()
        return next((value for value in allowed if str(value).lower() in said), allowed[0])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    match kind:
        case "object" if "properties" not in schema:
            named = re.findall(r"[`'\"](\w{1,40})[`'\"]", question) or ["answer"]
            return {name: _string({}, question, name) for name in named}
        case "object":
            members = schema.get("properties", {})
            return {name: _example(member, question, definitions, name) for name, member in members.items()}
        case "array":
            item = schema.get("items", {})
            return [
                _example(item, question, definitions, key) for _ in range(max(1, schema.get("minItems", 1)))
            ]
        case "integer" | "number":
            return _number(schema, question, whole=kind == "integer")
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, question, key)


def _number(schema: Mapping[str, Any], question: str, *, whole: bool) -> float:
    found = re.search(r"-?\d{1,6}(?:\.\d{1,3})?(?!\d)", question)
    value = float(found.group()) if found else 1.0
    value = max(value, schema.get("minimum", value), schema.get("exclusiveMinimum", value - 1) + 1)
    value = min(value, schema.get("maximum", value), schema.get("exclusiveMaximum", value + 1) - 1)
    return int(value) if whole else value


def _string(schema: Mapping[str, Any], question: str, key: str) -> str:
    formats = {
        "date": "2026-01-31",
        "date-time": "2026-01-31T12:00:00Z",
        "time": "12:00:00Z",
        "uuid": "0" * 8,
    }
    if schema.get("format") in formats:
        return formats[schema["format"]]
    quoted = re.search(r"'([^']{2,40})'|\"([^\"]{2,40})\"", question)
    if quoted and key.lower().endswith("name"):
        text = quoted[1] or quoted[2]
    elif key.lower() in {"city", "location", "place", "country", "name"}:
        proper = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z][^\W\d_]+", question)
        text = proper[-1] if proper else topics(question)[0]
    else:
        text = ", ".join(topics(question))
    text = text.ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]
