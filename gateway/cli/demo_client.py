"""An ordinary application, as the demo plays it: plain HTTP to Weir's base URL, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

_TIMEOUT: Final = 30.0  # seconds
_PIECES_BEFORE_LEAVING: Final = 12  # stream events


@dataclass(frozen=True, slots=True)
class Seen:
    """What the application saw: the status, the request's id in Weir's ledger, and the answer's text."""

    status: int
    request: str
    text: str


def ask(url: str, key: str, prompt: str, *, stream: bool = False) -> Seen:
    """Send one chat request and read the whole answer. Raises OSError."""
    connection, response = _post(url, key, prompt, stream=stream)
    try:
        body = response.read()
    finally:
        connection.close()
    if not stream or response.status != 200:
        return _seen(response, _said(orjson.loads(body)))
    chunks = [orjson.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
    return _seen(response, "".join(map(_delta, chunks)))


def ask_and_leave(url: str, key: str, prompt: str) -> Seen:
    """Send one streamed request and hang up after a few pieces. Raises OSError."""
    connection, response = _post(url, key, prompt, stream=True)
    try:
        text, events = "", 0
        while events < _PIECES_BEFORE_LEAVING and (line := response.readline()):
            if line.startswith(b"data: {"):
                text += _delta(orjson.loads(line[6:]))
                events += 1
    finally:
        connection.close()
    return _seen(response, text)


def _post(url: str, key: str, prompt: str, *, stream: bool) -> tuple[HTTPConnection, HTTPResponse]:
    body: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": prompt}]}
    if stream:
        body["stream"] = True
    connection = HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT)
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "x-weir-workflow": "tour",
    }
    connection.request("POST", "/v1/chat/completions", orjson.dumps(body), headers)
    return connection, connection.getresponse()


def _seen(response: HTTPResponse, text: str) -> Seen:
    return Seen(response.status, response.getheader("x-weir-request-id", ""), text)


def _said(answer: Mapping[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"]["message"])
    return str(answer["choices"][0]["message"]["content"])


def _delta(chunk: Mapping[str, Any]) -> str:
    choices = chunk.get("choices")
    return str(choices[0]["delta"].get("content") or "") if choices else ""
