"""Odd ways by which what is sensitive could go outside, each tried on a whole Weir: none reaches a stand-in there."""

import base64
import json

import pytest

from tests.integration.sandboxed import Sandboxed

VALUE = "my SSN is 536-22-8741, please file the form"
HELLO = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def weir(tmp_path_factory):
    running = Sandboxed(tmp_path_factory.mktemp("ways"))
    try:
        yield running
    finally:
        running.stop()


def file(url):
    return {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": url}}]}]}


def in_base64(encoding):
    return base64.b64encode(VALUE.encode(encoding)).decode()


FIELDS = {
    "a field's name": {VALUE: True},
    "a fraction": {"ssn": 536228741.0},
    "below zero": {"ssn": -536228741},
    "a document's address": {"messages": [{"role": "user", "content": [{"type": "document_url", "document_url": "https://x/"}]}]},
    "a picture without a type": {"messages": [{"role": "user", "content": [{"image_url": {"url": "https://x/"}}]}]},
    "UTF-16": file(f"data:text/plain;base64,{in_base64('utf-16')}"),
    "an encoding": file(f"data:text/plain;charset=cp500;base64,{in_base64('cp500')}"),
    "a picture that is none": {"user": f"see data:image/png;base64,{in_base64('utf-8')}"},
}  # fmt: skip


@pytest.mark.parametrize("way", FIELDS)
def test_fields(weir, way):
    weir.calm()
    weir.post(json.dumps({**HELLO, **FIELDS[way]}).encode(), x_weir_workflow="hard")
    assert not weir.sandbox.openai.received
    assert not weir.sandbox.anthropic.received


@pytest.mark.parametrize(
    "name", ["x-request-id", "idempotency-key", "traceparent", "tracestate", "openai-beta", "anthropic-beta"]
)
def test_headers(weir, name):
    weir.calm()
    weir.post(HELLO, x_weir_workflow="hard", **{name: VALUE})
    assert not weir.sandbox.openai.received
    assert not weir.sandbox.anthropic.received


@pytest.mark.parametrize(
    ("lines", "metadata"),
    [
        (["public", "restricted"], None),
        (["restricted", "public"], None),
        (["Public, Restricted"], None),
        (["public"], "restricted"),
        (["restricted"], "public"),
    ],
)
def test_of_several_claims_the_highest_counts(weir, lines, metadata):
    weir.calm()
    body = json.dumps({**HELLO, "metadata": {"sensitivity": metadata} if metadata else {}}).encode()
    claims = "".join(f"x-weir-sensitivity: {line}\r\n" for line in lines)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {weir.key}\r\nconnection: close\r\n"
        f"x-weir-workflow: hard\r\n{claims}content-length: {len(body)}\r\n\r\n"
    )
    answer = weir.raw(head.encode() + body)
    assert b"x-weir-sensitivity: restricted" in answer
    assert not weir.sandbox.openai.received


def test_a_header_beside_a_large_body(weir):
    weir.calm()
    body = {"model": "auto", "messages": [{"role": "user", "content": "the quick brown fox " * 40_000}]}
    weir.post(body, x_weir_workflow="hard", idempotency_key=VALUE)
    assert not weir.sandbox.openai.received
    assert not weir.sandbox.anthropic.received
    weir.post(body, x_weir_workflow="hard")
    assert weir.sandbox.openai.received


def test_what_holds_nothing_does_go_there(weir):
    weir.calm()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    weir.post({**HELLO, "seed": 7, "stream": False}, x_weir_workflow="hard", traceparent=trace)
    assert weir.sandbox.openai.received
