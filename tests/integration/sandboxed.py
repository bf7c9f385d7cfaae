"""A Weir in front of stand-in engines, all on one background loop: what most integration tests need."""

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.sandbox.sandbox import Sandbox
from gateway.sandbox.standin import StandIn
from tests.integration.waiting import until
from tests.integration.weirs import RunningWeir

# Timeouts are long: Weir and its stand-ins share one loop of a machine that may be busy, and late is no failure here.
POLICY = """
site: home
zones:
  home:      {inside: true, jurisdiction: EU}
  openai:    {inside: false, jurisdiction: US, retention_days: 30, trains_on_data: false}
  anthropic: {inside: false, jurisdiction: US, retention_days: 30, trains_on_data: false}
backends:
  gpu-a:
    {kind: vllm, zone: home, replicas: ["${WEIR_SANDBOX_VLLM_URL}"], gpu: H100, gpus: 1, usd_per_gpu_hour: 2.10,
     timeouts: {connect: 10s, first_byte: 20s, idle: 20s}}
  openai:
    {kind: openai, zone: openai, replicas: ["${WEIR_SANDBOX_OPENAI_URL}"], api_key: "${PROVIDER_KEY}",
     timeouts: {connect: 10s, first_byte: 20s, idle: 20s}}
  anthropic:
    {kind: anthropic, zone: anthropic, replicas: ["${WEIR_SANDBOX_ANTHROPIC_URL}"], api_key: "${PROVIDER_KEY}",
     timeouts: {connect: 10s, first_byte: 20s, idle: 20s}}
models:
  llama: {backend: gpu-a, upstream: meta-llama/Llama-3.1-8B-Instruct, context: 131072, can: [tools, json_schema]}
  gpt: {backend: openai, upstream: gpt-5, context: 400000, can: [tools, json_schema, vision, reasoning]}
  claude: {backend: anthropic, upstream: claude-sonnet-4-5, context: 200000, can: [tools, vision]}
aliases: {auto: routed}
boundaries:
  - {name: stays-home, data: {at_least: confidential}, only: {inside: true}}
routes:
  - {name: hard, when: {workflow: hard}, use: [gpt], on_failure: [claude, llama]}
  - {name: everyday, use: [llama], on_failure: [gpt]}
"""
PROVIDER_KEY = "sk-provider-7f3c9a5e1d2b"
HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
SECRET: list[dict[str, Any]] = [{"role": "user", "content": "My SSN is 536-22-8741, file my form."}]


class Sandboxed(RunningWeir):
    """`sandbox.vllm`, `.openai` and `.anthropic` are the stand-ins; `do` runs a coroutine on their loop."""

    def __init__(self, folder: Path, policy: str = POLICY) -> None:
        self.sandbox = Sandbox(tokens_per_second=2000)
        self.policy = policy
        super().__init__(folder, policy)

    def before_start(self) -> None:
        self.run(self.sandbox.start())
        self.environ |= {**self.sandbox.environ(), "PROVIDER_KEY": PROVIDER_KEY}

    def stop(self) -> None:
        try:
            self.run(self.service.stop())
            self.run(self.sandbox.stop())
        finally:
            self.stop_loop()

    def calm(self) -> None:
        """No fault is left, and nothing is remembered."""
        for part in self.sandbox.stand_ins:
            self.run(part.fault("none"))
            part.received.clear()
        for replica in self.service.replicas().values():
            replica.started()
            self._loop.call_soon_threadsafe(lambda replica=replica: replica.ended(0.0, healthy=True))

    def wait_for_policy_change(self) -> None:
        """Ask for a reload and wait until another configuration is in force than when this was last known: Weir looks
        at its files by itself too, and may have been first."""
        self._loop.call_soon_threadsafe(self.service.reload)
        until(lambda: self.service.runtime.snapshot.hash != self.in_force)
        self.in_force = self.service.runtime.snapshot.hash

    def wait_until_refused(self) -> None:
        """Ask for a reload and wait until what the files say now is refused."""
        self._loop.call_soon_threadsafe(self.service.reload)
        until(lambda: self.service._watcher.refused is not None)

    def ask(self, messages: list[dict[str, Any]] = HELLO, /, **more: Any) -> tuple[int, dict[str, str], Any]:
        """One chat request; the answer parsed, or as bytes where it is a stream."""
        headers = {name: more.pop(name) for name in list(more) if name.startswith("x_")}
        status, out, body = self.post({"model": "auto", "messages": messages, **more}, **headers)
        streamed = out.get("content-type", "").startswith("text/event-stream")
        return status, out, body if streamed else json.loads(body)

    def ask_and_leave(
        self, part: StandIn, body: dict[str, Any], path: str = "/v1/chat/completions"
    ) -> dict[str, Any]:
        """A request whose client leaves as soon as it has reached this stand-in, which hangs; the row it is booked
        as."""
        self.run(part.fault("hang"))
        reached, booked = len(part.received), len(self.rows("requests"))
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: w\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        with self._connected(60) as connection:
            connection.sendall(head.encode() + data)
            self.run(part.received.wait_for(reached + 1))
        until(lambda: len(self.rows("requests")) > booked)  # before the upstream's own timeout would end it
        return self.rows("requests")[-1]

    def _connected(self, seconds: float) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=seconds)

    def raw(self, data: bytes, seconds: float = 10) -> bytes:
        """Bytes to the port, and all that comes back until Weir closes or says nothing more for a while."""
        parts = []
        with self._connected(seconds) as connection:
            with suppress(ConnectionError):  # it may have answered, and closed, before it had everything
                connection.sendall(data)
            with suppress(ConnectionError, TimeoutError):
                while part := connection.recv(65536):
                    parts.append(part)
        return b"".join(parts)
