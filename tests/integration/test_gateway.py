"""The whole gateway in front of stand-in engines: routing, fallback, boundaries, access, errors, bookings."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.sandboxed import HELLO, POLICY, PROVIDER_KEY, SECRET, Sandboxed
from tests.integration.waiting import until


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Sandboxed]:
    """Waits a second for the engine, and as long as ever for the others."""
    running = Sandboxed(tmp_path, POLICY.replace("first_byte: 20s", "first_byte: 1s", 1))
    yield running
    running.stop()


def scraped(weir: Sandboxed) -> str:
    with urllib.request.urlopen(weir.service.metrics_url, timeout=10) as answer:  # noqa: S310  # loopback
        page: str = answer.read().decode()
        return page


def value(page: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


# ── routing ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_easy_request_is_served_at_home_and_says_so(weir: Sandboxed) -> None:
    status, headers, answer = weir.ask(x_weir_debug="1")
    assert status == 200
    assert (headers["x-weir-route"], headers["x-weir-model"], headers["x-weir-zone"]) == (
        "everyday",
        "llama",
        "home",
    )
    assert (headers["x-weir-sensitivity"], headers["x-weir-attempts"]) == ("internal", "1")
    assert answer["weir"]["decision"]["reasons"]
    assert float(answer["weir"]["charge"]["usd"]) > 0
    assert answer["weir"]["charge"]["gpu_seconds"] > 0


def test_a_rule_sends_it_outside_and_money_is_the_providers_price(weir: Sandboxed) -> None:
    _, headers, answer = weir.ask(x_weir_workflow="hard")
    assert (headers["x-weir-route"], headers["x-weir-model"]) == ("hard", "gpt")
    usage = answer["usage"]
    row = weir.rows("attempts")[-1]
    assert row["price_source"].startswith("genai-prices")
    assert float(row["usd"]) == pytest.approx(
        (usage["prompt_tokens"] * 1.25 + usage["completion_tokens"] * 10) / 1e6, rel=1e-6
    )


def test_sensitive_data_stays_home_whatever_the_rule_says(weir: Sandboxed) -> None:
    status, headers, _ = weir.ask(SECRET, x_weir_workflow="hard")
    assert (status, headers["x-weir-model"], headers["x-weir-sensitivity"]) == (200, "llama", "restricted")
    assert len(weir.sandbox.openai.received) == len(weir.sandbox.anthropic.received) == 0


def test_sensitive_data_does_not_leave_when_home_is_down(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.vllm.down())
    status, _, answer = weir.ask(SECRET)
    assert status == 502
    assert answer["error"]["code"] == "upstream_unreachable"
    assert len(weir.sandbox.openai.received) == len(weir.sandbox.anthropic.received) == 0


def test_an_explicit_outside_model_is_refused_by_the_boundarys_name(weir: Sandboxed) -> None:
    status, _, answer = weir.ask(SECRET, model="gpt")
    assert status == 403
    assert "stays-home" in answer["error"]["message"]
    assert "536" not in json.dumps(answer)
    assert len(weir.sandbox.openai.received) == 0


def test_a_client_may_raise_the_label_but_not_lower_it(weir: Sandboxed) -> None:
    assert weir.ask(model="gpt", x_weir_sensitivity="restricted")[0] == 403
    assert weir.ask(SECRET, model="gpt", x_weir_sensitivity="public")[0] == 403
    assert weir.ask(model="gpt", metadata={"sensitivity": "confidential"})[0] == 403
    assert weir.ask(x_weir_sensitivity="very")[0] == 400


def test_a_provider_gets_no_key_and_no_metadata_of_weirs(weir: Sandboxed) -> None:
    weir.ask(model="gpt", metadata={"action_id": "a-1", "workflow": "w", "mine": "kept"}, user="u-1")
    got = weir.sandbox.openai.received[-1]
    assert json.loads(got.body)["metadata"] == {"mine": "kept"}
    assert json.loads(got.body)["model"] == "gpt-5"
    headers = dict(got.headers)
    assert headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert weir.key not in str(headers)
    assert not any(name.startswith("x-weir") for name in headers)


# ── fallback ─────────────────────────────────────────────────────────────────────────────────────────────


BEFORE_A_BYTE = ("refuse", "500", "503", "429", "408", "409", "404", "401", "403", "garbage")
CASES = [*((mode, stream) for mode in BEFORE_A_BYTE for stream in (False, True)), ("cut", False)]


@pytest.mark.parametrize(("mode", "stream"), CASES)
def test_the_next_target_takes_over_before_the_first_byte(weir: Sandboxed, mode: str, stream: bool) -> None:
    check_taken_over(weir, mode, stream)


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_target_takes_over_from_an_engine_that_says_nothing(
    impatient: Sandboxed, stream: bool
) -> None:
    check_taken_over(impatient, "hang", stream)


def check_taken_over(weir: Sandboxed, mode: str, stream: bool) -> None:
    weir.run(weir.sandbox.vllm.fault(mode))
    status, headers, _ = weir.ask(stream=stream)
    assert (status, headers["x-weir-model"], headers["x-weir-attempts"]) == (200, "gpt", "2")
    first, second = weir.rows("attempts")[-2:]
    assert (first["model"], first["outcome"], second["model"], second["outcome"]) == (
        "llama",
        "failed",
        "gpt",
        "ok",
    )
    request = weir.rows("requests")[-1]
    assert (request["outcome"], request["attempts"], request["model"]) == ("ok", 2, "gpt")


@pytest.mark.parametrize("mode", ["cut", "error_event"])
def test_a_stream_that_breaks_ends_with_an_error_and_never_with_a_clean_stop(
    weir: Sandboxed, mode: str
) -> None:
    weir.run(weir.sandbox.openai.fault(mode))
    status, headers, body = weir.ask(model="gpt", stream=True)
    assert status == 200
    assert b"[DONE]" not in body
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert "error" in events[-1]
    row = weir.rows("requests")[-1]
    assert (row["id"], row["outcome"]) == (headers["x-weir-request-id"], "cut")


def test_a_providers_refusal_of_our_key_is_our_fault_and_shows_no_key(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("401"))
    status, _, answer = weir.ask(model="gpt")
    assert status == 502
    assert PROVIDER_KEY not in json.dumps(answer)
    assert "sk-" not in answer["error"]["message"]


def test_advice_to_wait_reaches_the_client(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("429"))
    status, headers, _ = weir.ask(model="gpt")
    assert status == 429
    assert "retry-after" in headers


def test_a_400_of_the_provider_is_the_clients_and_is_tried_once(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("400"))
    assert weir.ask(model="gpt")[0] == 400
    assert len(weir.sandbox.openai.received) == 1
    assert weir.rows("requests")[-1]["outcome"] == "rejected"


# ── access ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_prompt_that_fits_no_model_is_refused_in_words_that_clients_shorten_on(weir: Sandboxed) -> None:
    long = [{"role": "user", "content": "word " * 900_000}]
    for model in ("auto", "claude"):
        status, _, body = weir.post({"model": model, "messages": long})
        told = json.loads(body)["error"]
        assert (status, told["code"], told["param"]) == (400, "context_length_exceeded", "messages")
        assert told["message"].startswith("prompt is too long (")
    status, _, body = weir.post({"model": "claude", "max_tokens": 9, "messages": long}, path="/v1/messages")
    told = json.loads(body)["error"]
    assert (status, told["type"]) == (400, "invalid_request_error")
    assert told["message"].startswith("prompt is too long (")


def test_keys_are_asked_for(weir: Sandboxed) -> None:
    body = {"model": "auto", "messages": HELLO}
    status, _, answer = weir.post(body, key="sk-weir-nobody")
    assert status == 401
    assert json.loads(answer)["error"]["code"] == "invalid_api_key"
    none = weir.raw(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: w\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    )
    assert none.startswith(b"HTTP/1.1 401")


def test_models_lists_what_the_key_may_use(weir: Sandboxed) -> None:
    request = urllib.request.Request(f"{weir.url}/v1/models", headers={"authorization": f"Bearer {weir.key}"})  # noqa: S310  # loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # loopback
        assert [model["id"] for model in json.load(answer)["data"]] == ["auto", "llama", "gpt", "claude"]


def test_unknown_paths_and_methods_are_told_so(weir: Sandboxed) -> None:
    for method, path, status in (("POST", "/v1/audio/speech", 404), ("GET", "/v1/chat/completions", 405)):
        request = urllib.request.Request(weir.url + path, method=method)  # noqa: S310  # loopback
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310  # loopback
        with refused.value as error:
            assert error.code == status
            assert json.load(error)["error"]["message"]


# ── bad input: a clear error, and the next request works ─────────────────────────────────────────────────

BAD: list[tuple[bytes, int, str]] = [
    (b"not json", 400, "not_json"),
    (b"[]", 400, "not_an_object"),
    (b"", 400, "not_json"),
    (b'{"model":"auto"}', 400, "missing_required_parameter"),
    (b'{"messages":[{"role":"user","content":"x"}]}', 400, ""),
    (b'{"model":7,"messages":[]}', 400, "invalid_type"),
    (b'{"model":"auto","messages":"hi"}', 400, "invalid_type"),
    (b'{"model":"auto","messages":[]}', 400, "empty_array"),
    (b'{"model":"auto","messages":[{"role":"user","content":"x"}],"model":"gpt"}', 400, "duplicate_key"),
    (b'{"model":"auto","messages":[{"role":"user","content":"x","content":"y"}]}', 400, "duplicate_key"),
    (b'{"model":"auto","messages":[{"role":"user","content":"\xff"}]}', 400, "not_utf8"),
    (b'{"model":"nope","messages":[{"role":"user","content":"x"}]}', 404, "model_not_found"),
    (b'{"model":"auto","n":NaN,"messages":[{"role":"user","content":"x"}]}', 400, "not_json"),
    (b"[" * 200_000, 400, "too_deep"),
    (b'{"model":"auto","messages":' + b"[" * 200_000, 400, "too_deep"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), BAD, ids=[f"{code}-{i}" for i, (_, _, code) in enumerate(BAD)]
)
def test_a_bad_body_is_refused_in_openais_shape_and_the_next_request_works(
    weir: Sandboxed, body: bytes, status: int, code: str
) -> None:
    got, _, answer = weir.post(body)
    assert got == status
    error = json.loads(answer)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["code"] or "") == code
    assert weir.ask()[0] == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(weir: Sandboxed) -> None:
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: w\r\nauthorization: Bearer " + weir.key.encode() +
        b"\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n"
    )  # fmt: skip
    answer = weir.raw(head + b"x" * 1000)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"request_too_large" in answer
    chunked = head.replace(b"content-length: 104857600", b"transfer-encoding: chunked")
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    assert weir.raw(chunked + chunk * 40).startswith(b"HTTP/1.1 413")
    assert weir.ask()[0] == 200


def test_smuggled_and_malformed_http_is_refused(weir: Sandboxed) -> None:
    for head in (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: w\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: w\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: w\r\nx y: 1\r\n\r\n",
    ):
        answer = weir.raw(head, seconds=3)
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b'"error"' in answer
    assert weir.ask()[0] == 200


# ── streams ──────────────────────────────────────────────────────────────────────────────────────────────


def test_usage_is_asked_for_upstream_and_kept_from_a_client_that_did_not_want_it(weir: Sandboxed) -> None:
    _, headers, body = weir.ask(stream=True)
    assert b'"usage"' not in body
    assert body.endswith(b"data: [DONE]\n\n")
    assert json.loads(weir.sandbox.vllm.received[-1].body)["stream_options"] == {"include_usage": True}
    row = next(row for row in weir.rows("requests") if row["id"] == headers["x-weir-request-id"])
    assert row["usage_source"] == "reported"
    _, _, asked = weir.ask(stream=True, stream_options={"include_usage": True})
    assert b'"usage":{' in asked


def test_a_debug_stream_carries_the_decision_before_its_end(weir: Sandboxed) -> None:
    _, _, body = weir.ask(stream=True, x_weir_debug="1")
    told = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    assert told[-1]["weir"]["decision"]["route"] == "everyday"
    assert body.endswith(b"data: [DONE]\n\n")


def test_anthropic_answers_as_chat(weir: Sandboxed) -> None:
    _, headers, answer = weir.ask(model="claude")
    assert headers["x-weir-model"] == "claude"
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"]
    _, _, stream = weir.ask(model="claude", stream=True)
    assert stream.endswith(b"data: [DONE]\n\n")


def test_a_client_that_leaves_cancels_the_upstream_call_at_once(weir: Sandboxed) -> None:
    row = weir.ask_and_leave(weir.sandbox.openai, {"model": "gpt", "messages": HELLO})
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "estimated")
    assert row["input_tokens"] > 0


# ── what is kept and shown ───────────────────────────────────────────────────────────────────────────────


def test_every_request_is_one_row_and_one_count(weir: Sandboxed) -> None:
    before, rows = scraped(weir), len(weir.rows("requests"))
    for _ in range(3):
        weir.ask()
    series = 'weir_requests_total{route="everyday",model="llama",zone="home",outcome="ok"}'
    assert value(scraped(weir), series) - value(before, series) == 3
    assert len(weir.rows("requests")) - rows == 3


def test_no_secret_and_no_prompt_is_shown_anywhere(weir: Sandboxed, caplog: Any) -> None:
    weir.ask(SECRET)
    weir.ask(SECRET, model="gpt")
    shown = [scraped(weir), caplog.text, json.dumps(weir.rows("requests")), json.dumps(weir.rows("attempts"))]
    shown += [path.read_bytes().decode(errors="replace") for path in weir.folder.rglob("*.jsonl")]
    shown += [json.dumps(weir.service.runtime.snapshot.redacted())]
    for text in shown:
        assert "536-22-8741" not in text
        assert PROVIDER_KEY not in text
        assert weir.key not in text


def test_gpu_time_adds_up(weir: Sandboxed) -> None:
    """request + foreign + waiting + idle + unobserved = provisioned, in integer nanoseconds."""
    asked = time.time_ns()
    weir.ask()
    until(lambda: len({row["window"] for row in weir.rows("gpu_bookings") if row["window"] > asked}) > 3)
    bookings = weir.rows("gpu_bookings")
    windows: dict[int, int] = {}
    for row in bookings:
        windows[row["window"]] = windows.get(row["window"], 0) + row["gpu_ns"]
    closed = sorted(windows)[1:-1]  # the first window is shorter: Weir began in its middle
    assert closed
    assert all(windows[window] == 1_000_000_000 for window in closed)
    page = scraped(weir)
    counted = sum(
        float(m[1]) for m in re.finditer(r"^weir_gpu_seconds_total{[^}]*} (\S+)$", page, re.MULTILINE)
    )
    earlier, later = (
        sum(row["gpu_ns"] for row in rows) / 1e9 for rows in (bookings, weir.rows("gpu_bookings"))
    )
    assert earlier - 2 <= counted <= later + 2


def test_a_reload_takes_effect_and_a_bad_file_does_not(weir: Sandboxed) -> None:
    try:
        weir.write(weir.policy.replace("use: [llama], on_failure: [gpt]", "use: [gpt]"))
        weir.service.runtime  # noqa: B018  # the old one until the swap
        weir.wait_for_policy_change()
        assert weir.ask()[1]["x-weir-model"] == "gpt"
        good = weir.service.runtime.snapshot.hash
        weir.config.write_text("routes: nonsense")
        weir.wait_until_refused()
        assert weir.service.runtime.snapshot.hash == good
        assert weir.ask()[0] == 200
    finally:
        weir.write(weir.policy)
        weir.wait_for_policy_change()
    assert weir.ask()[1]["x-weir-model"] == "llama"
