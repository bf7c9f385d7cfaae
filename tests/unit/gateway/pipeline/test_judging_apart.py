"""The process that judges large bodies is sent what was parsed, and parses none of it."""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from adapters import document
from adapters.visible import visible
from gateway.pipeline.crossing import taken_apart
from gateway.pipeline.judging_apart import JudgingApart, load
from gateway.pipeline.reading import tokens_of
from routers.sensitivity.label import Level
from routers.sensitivity.settings import Settings


def _frames(work: Generator[None, None, list[bytes]]) -> bytes:
    while True:
        try:
            next(work)
        except StopIteration as done:
            return b"".join(done.value)


def test_nothing_is_parsed_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    answer = load(JudgingApart(Settings(), None, tmp_path)._apart._task.settings)
    prose = "The committee met to discuss a new budget. " * 20_000
    values: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": f"{prose} My SSN is 536-22-8741."}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    asked = {"dialect": "chat", "headers": [], "floor": None, "files_known": False}
    head = json.dumps(asked).encode()
    question = bytearray(len(head).to_bytes(4) + head + _frames(taken_apart(values)))
    parsed: list[int] = []
    decode = json.JSONDecoder.decode

    def counted(self: json.JSONDecoder, text: str) -> Any:
        parsed.append(len(text))
        return decode(self, text)

    def refused(*_: object) -> Any:
        raise AssertionError("the body was parsed once more")

    monkeypatch.setattr(json.JSONDecoder, "decode", counted)
    monkeypatch.setattr(document, "scan_value", refused)
    told = answer(question)
    monkeypatch.undo()

    assert parsed == [len(head)]
    found = json.loads(told)
    assert found["label"]["types"] == {"US_SSN": 1}
    assert Level(found["label"]["level"]) is Level.RESTRICTED
    assert found["rest"][:2] == [tokens_of(visible(values, "chat")), True]
