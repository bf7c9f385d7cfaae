"""What goes wrong beside requests is told to whoever runs Weir, and what clients get wrong is told to them in words."""

import gzip
import json
import logging
import socket
import urllib.request

import pytest

from gateway.app.server import Server
from tests.integration.sandboxed import HELLO, Sandboxed
from tests.integration.waiting import until


@pytest.fixture
def weir(tmp_path):
    running = Sandboxed(tmp_path)
    try:
        yield running
    finally:
        running.stop()


def readyz(weir):
    with urllib.request.urlopen(f"{weir.url}/readyz", timeout=10) as answer:  # noqa: S310  # loopback
        return json.load(answer)


def test_a_provider_that_refuses_weirs_own_key_is_told_of_until_it_takes_it(weir, caplog):
    openai = f"openai {weir.sandbox.openai.url}"
    weir.run(weir.sandbox.openai.fault("401"))
    with caplog.at_level(logging.INFO, "weir.replicas"):
        for _ in range(3):
            assert weir.ask(x_weir_workflow="hard")[1]["x-weir-model"] == "claude"
        until(lambda: "refuses Weir's own key" in caplog.text)
        assert readyz(weir)["replicas"][openai] == "refuses Weir's own key"
        weir.run(weir.sandbox.openai.fault("none"))
        assert weir.ask(x_weir_workflow="hard")[1]["x-weir-model"] == "gpt"
        until(lambda: "answers again" in caplog.text)
    assert len(caplog.messages) == 2  # once each, however many requests
    assert "sk-provider" not in caplog.text
    assert readyz(weir)["replicas"][openai] == "up"


def test_what_a_reload_cannot_change_is_said(weir, caplog):
    common = weir._common  # what all tests' configurations end with
    weir._common = common.replace("server: {", "server: {log_level: error, ")
    weir.write(weir.policy)
    with caplog.at_level(logging.WARNING, "weir.app"):
        weir.wait_for_policy_change()
        until(lambda: "`server.log_level` has changed" in caplog.text)
    assert any("server.log_level" in each for each in readyz(weir)["warnings"])


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (gzip.compress(b"{}", mtime=0), {"content_encoding": "gzip"}, "it is compressed"),
        (b"\xef\xbb\xbf{}", {}, "a byte order mark"),
        (b"", {}, "the body is empty"),
        (b"<html>", {}, "it begins with '<'"),
        (b" " * 300_000 + b"<html>", {}, "it begins with '<'"),
    ],
)
def test_a_body_that_is_something_else_is_told_as_what_it_is(weir, body, headers, told):
    status, _, answer = weir.post(body, **headers)
    assert status == 400
    assert told in json.loads(answer)["error"]["message"]


def test_what_is_no_models_name_is_not_kept(weir):
    for model in ("my SSN is 536-22-8741", "gpt-99"):
        assert weir.post({"model": model, "messages": HELLO})[0] == 404
    assert {row["asked"] for row in weir.rows("requests")} == {"", "gpt-99"}


async def test_a_taken_port_is_named():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            await Server.open(None, "127.0.0.1", port, 1.0, 1.0)


def test_a_providers_own_500_is_no_fault_of_weirs(weir, caplog):
    weir.run(weir.sandbox.openai.fault("500"))
    with caplog.at_level(logging.DEBUG, "weir"):
        status, _, answer = weir.ask(model="gpt")
    assert (status, "request failed" in caplog.text) == (500, False)
    assert "Weir failed" not in answer["error"]["message"]
