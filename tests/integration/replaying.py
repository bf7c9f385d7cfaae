"""Recorded traffic, replayed by a stand-in provider behind a whole Weir."""

import gzip
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.weirs import RunningWeir

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "recordings"
Recording = dict[str, Any]


def load(provider: str, path: str) -> list[Recording]:
    file = FOLDER / f"{provider}.jsonl.gz"
    if not file.exists():
        pytest.skip(f"shared/data/recordings/{file.name} is missing beside the checkout")
    with gzip.open(file, "rt") as lines:
        return [row for row in map(json.loads, lines) if row["request"]["path"] == path]


def body_of(recording: Recording) -> bytes:
    answer = recording["response"]
    return (answer["sse"] if "sse" in answer else json.dumps(answer["body"])).encode()


class Replay(ThreadingHTTPServer):
    """Answers each request with the recording that its `x-request-id` names; `cuts` has those that end early: after so
    many bytes, the connection dropped or the answer ended as if that were all. `asked` keeps each request's path and
    body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.recordings: dict[str, Recording] = {}
        self.cuts: dict[str, tuple[int, bool]] = {}
        self.asked: dict[str, tuple[str, bytes]] = {}
        self._thread = threading.Thread(target=self.serve_forever, name="replay")
        self._thread.start()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the library's name
        server: Any = self.server
        asked = self.rfile.read(int(self.headers["content-length"]))
        name = self.headers["x-request-id"]
        server.asked[name] = (self.path, asked)
        recording = server.recordings[name]
        body = body_of(recording)
        self.send_response(recording["response"]["status"])
        kind = "text/event-stream" if "sse" in recording["response"] else "application/json"
        at, dropped = server.cuts.get(name, (len(body), False))
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) if dropped else at))
        self.send_header("x-request-id", name)
        self.send_header("request-id", name)
        self.end_headers()
        self.wfile.write(body[:at])
        self.close_connection = dropped

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


Answer = tuple[int, dict[str, str], bytes]


def through(
    weir: RunningWeir,
    replay: Replay,
    recordings: list[Recording],
    ask: Callable[[Recording], dict[str, Any]],
    path: str = "/v1/chat/completions",
) -> dict[str, Answer]:
    """Each recording's answer as a client of Weir gets it, eight at a time."""
    replay.recordings |= {recording["id"]: recording for recording in recordings}

    def one(recording: Recording) -> tuple[str, Answer]:
        return recording["id"], weir.post(ask(recording), path=path, x_request_id=recording["id"])

    with ThreadPoolExecutor(8) as pool:
        return dict(pool.map(one, recordings))


def bookings(weir: RunningWeir) -> dict[str, dict[str, Any]]:
    """Every attempt's row by the provider's id of the answer."""
    return {row["upstream_id"]: row for row in weir.rows("attempts")}


def booked(row: dict[str, Any]) -> tuple[int, int]:
    """Prompt and generated tokens of a row, all classes."""
    prompt = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "audio_in_tokens")
    return (
        sum(row[name] for name in prompt),
        row["output_tokens"] + row["reasoning_tokens"] + row["audio_out_tokens"],
    )
