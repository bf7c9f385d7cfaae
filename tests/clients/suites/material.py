"""What the suites ask with: a question, tools, a picture, a structure."""

import base64
import zlib
from typing import Any

from pydantic import BaseModel
from reporting import Backend

ASK: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {  # the enum: a tiny model under guided decoding would never end a free string
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Cairo"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
TIME: Any = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def png() -> str:
    """A picture of one pixel, as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    drawn = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(drawn).decode()


def assert_city(arguments: Any, backend: Backend) -> None:
    """The arguments of a call are those asked for; of a model without sense, in shape at least."""
    assert list(arguments) == ["city"]
    assert arguments["city"] == "Oslo" if backend.sensible else isinstance(arguments["city"], str)


NOTES = ("notes.txt", b"The weir was mended on Tuesday.", "text/plain")


class Colour(BaseModel):
    """What a structured answer holds."""

    colour: str


class Pick(BaseModel):
    """A structure that leaves no room for endless text."""

    right: bool
