"""Request bodies of a kilobyte, all different, in plain English: nothing a cache could answer."""

import json
import random
import re
from typing import Final

from adapters.dialects.signing import MARK

MODEL: Final = "bench"
_FRESH: Final = 256 * 1024  # characters of prose before it repeats: megabytes take seconds to draw
_MARK: Final = "--------bench"
_words = re.compile(r"\w+").findall
_TEXT: Final = """the a of and in to for with on at from by as is was are were be has have had not but or if then when
while market river engine garden window letter winter summer music paper bridge valley forest harbour station explain
compare describe consider improve measure design travel build follow remain carry open close quick slow early late
small large quiet bright heavy simple common rare local recent careful strange useful"""


def bodies(count: int, *, stream: bool = False, size: int = 1024, seed: int = 7) -> list[bytes]:
    """`count` chat requests of `size` bytes each."""
    draw, words = random.Random(seed), _words(_TEXT)
    return [_body(draw, words, size, stream=stream) for _ in range(count)]


def tiny_messages(size: int, seed: int = 7, *, parts: bool = False) -> bytes:
    """A chat request of about `size` bytes, in messages of a hundred; with `parts` each is a list of one part."""
    text = _long_prose(random.Random(seed), size)
    said = [text[at : at + 90] for at in range(0, size * 90 // 130, 90)]
    contents: list[object] = [[{"type": "text", "text": each}] for each in said] if parts else [*said]
    messages = [{"role": ("user", "assistant")[at % 2], "content": each} for at, each in enumerate(contents)]
    return json.dumps({"model": MODEL, "messages": messages, "max_tokens": 256}).encode()


def signed_messages(size: int, seed: int = 7) -> bytes:
    """A messages request of about `size` bytes, in messages of a hundred, every tenth answer with a signature of
    another provider's as Weir hands it out (`adapters.dialects.signing`)."""
    text = _long_prose(random.Random(seed), size)
    said: list[object] = [text[at : at + 90] for at in range(0, size * 90 // 130, 90)]
    signature = {"type": "redacted_thinking", "data": f"{MARK}c2lnbmVk"}
    for at in range(1, len(said), 20):
        said[at] = [signature, {"type": "text", "text": said[at]}]
    messages = [{"role": ("user", "assistant")[at % 2], "content": each} for at, each in enumerate(said)]
    return json.dumps({"model": MODEL, "messages": messages, "max_tokens": 256}).encode()


def with_emoji(size: int, seed: int = 7) -> bytes:
    """A chat request of about `size` bytes in one text, with an emoji in every line of it."""
    text = _long_prose(random.Random(seed), size)
    content = "".join(text[at : at + 60] + "\U0001f600" for at in range(0, size * 60 // 64, 60))
    request = {"model": MODEL, "messages": [{"role": "user", "content": content}], "max_tokens": 256}
    return json.dumps(request, ensure_ascii=False).encode()


def upload(file: bytes, kind: str) -> tuple[bytes, str]:
    """A form with this file in it, of that media type; and the form's own content-type."""
    head = f'content-disposition: form-data; name="file"; filename="notes"\r\ncontent-type: {kind}\r\n\r\n'
    form = f"--{_MARK}\r\n{head}".encode() + file
    form += f'\r\n--{_MARK}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n'.encode()
    return form + f"user_data\r\n--{_MARK}--\r\n".encode(), f"multipart/form-data; boundary={_MARK}"


def prose(size: int, seed: int = 7) -> str:
    """About that many characters of it."""
    return _long_prose(random.Random(seed), size)[:size]


def asking(text: str, **further: object) -> bytes:
    """A chat request of one message."""
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": text}], **further}).encode()


def _long_prose(draw: random.Random, size: int) -> str:
    text = _prose(draw, _words(_TEXT), min(size, _FRESH))
    return text * -(-size // len(text))


def _body(draw: random.Random, words: list[str], size: int, *, stream: bool) -> bytes:
    request: dict[str, object] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": ""}],
        "max_tokens": 256,
    }
    if stream:
        request |= {"stream": True}
    room = size - len(json.dumps(request))
    text = _prose(draw, words, min(room, _FRESH))
    text *= -(-room // len(text))
    request["messages"] = [{"role": "user", "content": text[:room]}]
    return json.dumps(request).encode()


def _prose(draw: random.Random, words: list[str], size: int) -> str:
    """At least `size` characters of sentences."""
    text = ""
    while len(text) < size:
        sentence = " ".join(draw.choices(words, k=draw.randint(6, 14)))
        text += sentence.capitalize() + ". "
    return text
