"""Logs: one JSON object a line, and never an exception's own words."""

import json
import logging

from gateway.api.logs import JsonLines, where


def test_a_record_is_a_line_of_json_with_its_facts() -> None:
    record = logging.LogRecord("weir.api", logging.WARNING, "f.py", 1, "went %s", ("wrong",), None)
    record.__dict__["policy"] = "abc"
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["logger"], line["message"], line["policy"]) == (
        "warning",
        "weir.api",
        "went wrong",
        "abc",
    )
    assert line["at"].endswith("+00:00")


def test_an_exception_is_told_by_where_it_came_from() -> None:
    try:
        int("the prompt was: my SSN is 536-22-8741")
    except ValueError as error:
        record = logging.LogRecord(
            "weir", logging.ERROR, "f.py", 1, "failed", (), (ValueError, error, error.__traceback__)
        )
        frames = where(error)
    text = JsonLines().format(record)
    assert "536-22" not in text
    assert json.loads(text)["error"] == "ValueError"
    assert json.loads(text)["where"] == frames
