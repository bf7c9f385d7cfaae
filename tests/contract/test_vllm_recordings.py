"""What a real vLLM answered, relayed: bytes, usage with its cache classes, engine metrics, and the errors' kinds."""

import json
from pathlib import Path

import pytest

from adapters.call import Call
from adapters.document import parse
from adapters.vllm import VLLM

pytestmark = pytest.mark.recordings

_FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "vllm" / "recorded"
_ANSWERS = (
    "chat*.txt",
    "flags_chat*.txt",
    "flags_cache*.txt",
    "flags_tools*.txt",
    "json_*.txt",
    "tools_*.txt",
)


def _read(path: Path) -> tuple[int, bytes]:
    """Status and body of a recorded answer: a line `HTTP 200`, header lines, an empty line, the body."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    status = next(line for line in head.splitlines() if line.startswith(b"HTTP "))
    if not body:  # headers on one line, as a dictionary
        body = path.read_bytes().splitlines()[-1]
    return int(status.split()[1]), body


def _recorded(*patterns: str) -> list[Path]:
    if not _FOLDER.exists():
        pytest.skip("shared/vllm/recorded is missing beside the checkout")
    return sorted(path for pattern in patterns for path in _FOLDER.glob(pattern))


def test_answers(share, chunked) -> None:
    relayed = 0
    for path in _recorded(*_ANSWERS):
        status, body = _read(path)
        if status != 200:
            continue
        stream = body.startswith(b"data:")
        body = body.rstrip(b"\n") + (b"\n\n" if stream else b"")
        relay = VLLM().relay(Call("chat", parse(b"{}"), stream, wants_usage=True), "tiny", ())
        out = b"".join(relay.feed(piece) for piece in chunked(body, 7)) + relay.finish()
        assert out == body, path.name
        assert relay.complete, path.name
        reports = b'"prompt_tokens"' in body
        assert (relay.usage.source == "reported") == reports, path.name
        if stream:
            assert relay.content_events > 0, path.name
        elif b'"metrics":{' in body:
            assert relay.metrics is not None, path.name
        relayed += 1
    share("answers of a real vLLM relayed byte for byte", relayed, relayed)
    assert relayed >= 15


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("flags_cache1.txt", (57, 0, 256, 3)),  # input, cache_read, cache_write, output
        ("flags_chat_stream_force_usage.txt", (19, 0, 0, 3)),
        ("chat_stream_continuous.txt", (19, 0, 0, 6)),
    ],
)
def test_usage(name: str, classes: tuple[int, ...]) -> None:
    (path,) = _recorded(name)
    body = _read(path)[1]
    relay = VLLM().relay(Call("chat", parse(b"{}"), body.startswith(b"data:"), wants_usage=True), "tiny", ())
    relay.feed(body)
    relay.finish()
    usage = relay.usage
    assert (usage.input, usage.cache_read, usage.cache_write, usage.output) == classes


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("err_bad_temp.txt", "client"),
        ("err_context_maxtok.txt", "client"),
        ("err_badjson.txt", "client"),
        ("err_unknown_model.txt", "gone"),
        ("err_404.txt", "ours"),
        ("err_405.txt", "ours"),
        ("flags_badkey.txt", "ours"),
        ("flags_nokey.txt", "ours"),
        ("flags_admission_503.txt", "busy"),
    ],
)
def test_errors(name: str, kind: str) -> None:
    (path,) = _recorded(name)
    status, body = _read(path)
    refusal = VLLM().refusal(status, (), body.strip())
    assert refusal.kind == kind
    assert json.loads(refusal.body)["error"]["message"]
