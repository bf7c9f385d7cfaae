"""A disk that fills up under a whole Weir, by either policy: what clients, operators and the ledger see of it, and
what of it is left once there is room again. The disk is a real one of a few megabytes, which root may mount."""

import json
import logging
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.root import weir
from tests.integration.sandboxed import HELLO, POLICY, Sandboxed
from tests.integration.waiting import until

MEGABYTES = 4
BALLAST = "ballast"
SAID = "the ledger's journal cannot be written: No space left on device; "


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs takes root")
    place = tmp_path / "disk"
    place.mkdir()
    options = f"size={MEGABYTES}m,mode=700"
    done = subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", place], check=False)
    if done.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


class Confined(Sandboxed):
    """A sandboxed Weir whose ledger is on the small disk."""

    def __init__(self, folder: Path, disk: Path, full_disk: str) -> None:
        self.disk, self.full_disk = disk, full_disk
        super().__init__(folder, POLICY)

    def before_start(self) -> None:
        super().before_start()
        self._common = self._common.replace(str(self.ledger), str(self.disk / self.ledger.name)).replace(
            "port: 0,", f"port: 0, full_disk: {self.full_disk},", 1
        )
        self.ledger = self.disk / self.ledger.name

    def fill(self) -> None:
        """Leave no byte of the disk."""
        with (self.disk / BALLAST).open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(512))

    def clear(self) -> None:
        """Make room again."""
        (self.disk / BALLAST).unlink()

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and detail of /readyz."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:  # noqa: S310  # loopback
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def metric(self, name: str) -> float:
        """The value of a series without labels."""
        with urllib.request.urlopen(self.service.metrics_url, timeout=10) as answer:  # noqa: S310  # loopback
            page = answer.read().decode()
        return float(next(line for line in page.splitlines() if line.startswith(f"{name} ")).split()[1])

    def until_full(self) -> None:
        """Fill the disk, and wait until it is noticed: each second's GPU time is booked, whoever asks."""
        self.fill()
        until(lambda: self.metric("weir_ledger_disk_full") == 1)

    def booked(self) -> Counter[str]:
        """How often which request is in the database."""
        return Counter(row["id"] for row in self.rows("requests"))


@pytest.fixture
def confined(tmp_path: Path, disk: Path) -> Iterator[Callable[[str], Confined]]:
    running: list[Confined] = []

    def start(full_disk: str) -> Confined:
        running.append(Confined(tmp_path, disk, full_disk))
        return running[-1]

    yield start
    for each in running:
        each.stop()
        verified = CliRunner().invoke(weir, ["ledger", "verify", "--store", str(each.ledger)])
        assert verified.exit_code == 0, verified.output


def answered(weir_: Confined, count: int) -> list[str]:
    """So many requests, in turn streamed and not; their ids, all of them answered whole."""
    ids = []
    for number in range(count):
        status, headers, body = weir_.ask(stream=bool(number % 2))
        assert status == 200
        assert not number % 2 or body.endswith(b"data: [DONE]\n\n")
        ids.append(headers["x-weir-request-id"])
    return ids


def test_by_refusal_nothing_is_lost_and_clients_are_told_to_come_again(
    confined: Callable[[str], Confined], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    running = confined("refuse")
    before = answered(running, 10)
    running.run(running.sandbox.vllm.fault("held"))
    with ThreadPoolExecutor(2) as clients:
        under_way = [clients.submit(running.ask, stream=stream) for stream in (True, False)]
        until(lambda: running.metric("weir_inflight") == 2)
        running.until_full()
        running.run(running.sandbox.vllm.fault("none"))
        ended = [each.result(60) for each in under_way]
    assert [status for status, _, _ in ended] == [200, 200]
    assert ended[0][2].endswith(b"data: [DONE]\n\n")
    for stream in (False, True):
        check_refused(running, stream=stream)
    status, detail = running.ready()
    assert status == 503
    assert detail["disk"].endswith("No space left on device; requests are refused until it can")
    assert SAID + "requests are refused until it can" in caplog.messages
    assert running.metric("weir_ledger_unbooked_records_total") == 0
    running.clear()
    until(lambda: running.ready()[0] == 200)
    assert "the ledger's journal can be written again" in caplog.messages
    after = answered(running, 10)
    booked = running.booked()
    assert set(booked.values()) == {1}
    wanted = {*before, *after, *(headers["x-weir-request-id"] for _, headers, _ in ended)}
    assert wanted <= booked.keys()
    refused = Counter(row["status"] for row in running.rows("requests") if row["error"] == "overloaded")
    assert refused == {503: 2, 529: 2}
    assert running.ready()[1]["disk"] == "ok"


def check_refused(running: Confined, *, stream: bool) -> None:
    """In OpenAI's words and in Anthropic's, before anything goes upstream."""
    reached = len(running.sandbox.vllm.received)
    status, headers, body = running.post({"model": "auto", "messages": HELLO, "stream": stream})
    error = json.loads(body)["error"]
    assert (status, error["type"], error["code"]) == (503, "server_error", "overloaded")
    assert "disk is full" in error["message"]
    assert int(headers["retry-after"]) > 0
    message = {"model": "auto", "messages": HELLO, "max_tokens": 9, "stream": stream}
    status, _, body = running.post(message, path="/v1/messages")
    assert (status, json.loads(body)["error"]["type"]) == (529, "overloaded_error")
    assert len(running.sandbox.vllm.received) == reached


def test_unbooked_it_goes_on_and_says_how_much_is_lost(
    confined: Callable[[str], Confined], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    running = confined("unbooked")
    before = answered(running, 10)
    running.until_full()
    lost = answered(running, 10)
    status, detail = running.ready()
    assert status == 200
    assert detail["disk"].endswith("No space left on device; requests are served and not booked until it can")
    assert running.metric("weir_ledger_unbooked_records_total") >= 2 * len(lost)
    assert caplog.messages.count(SAID + "requests are served and not booked until it can") == 1
    running.clear()
    until(lambda: running.metric("weir_ledger_disk_full") == 0)
    assert caplog.messages.count("the ledger's journal can be written again") == 1
    counted = running.metric("weir_ledger_unbooked_records_total")
    after = answered(running, 10)
    booked = running.booked()
    assert set(booked.values()) == {1}
    assert {*before, *after} <= booked.keys()
    assert not booked.keys() & set(lost)
    assert running.metric("weir_ledger_unbooked_records_total") == counted


@pytest.mark.parametrize("full_disk", ["refuse", "unbooked"])
def test_it_starts_on_a_full_disk_and_recovers(confined: Callable[[str], Confined], full_disk: str) -> None:
    running = confined(full_disk)
    before = answered(running, 4)
    running.rows("requests")
    running.run(running.service.stop())
    running.fill()
    running.begin()
    running.ask()
    until(lambda: running.ready()[1]["disk"] != "ok")
    assert running.ask()[0] == (503 if full_disk == "refuse" else 200)
    running.clear()
    until(lambda: running.ready()[1]["disk"] == "ok")
    booked = Counter([*running.booked(), *answered(running, 4)])
    assert set(before) <= booked.keys()
    assert set(booked.values()) == {1}
