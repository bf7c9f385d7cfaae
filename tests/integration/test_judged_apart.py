"""Large bodies are judged in a process of their own, to the same label; where that breaks, the label is the highest."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapters.document import parse
from adapters.unhurried import parse_in_slices
from gateway.detectors.apart import Part
from gateway.pipeline import pipeline
from gateway.pipeline.crossing import put_together
from gateway.pipeline.judging_apart import LARGE, JudgingApart
from routers.sensitivity import patterns
from tests.integration.sandboxed import HELLO, POLICY, Sandboxed
from tests.integration.waiting import until

PROSE = "The committee met to discuss a new budget for the library. " * (LARGE // 50)
OWN = """
sensitivity:
  levels: {CUSTOM: restricted}
  terms: [Project Heron]
  patterns: {case: "CASE-[0-9]{5}", evil: "(x+x+)+y"}
"""


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in texts]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    policy = POLICY.replace("vision, reasoning]", "vision, reasoning, files]")
    running = Sandboxed(tmp_path_factory.mktemp("weir"), policy + OWN)
    yield running
    running.stop()


def apart_of(weir: Sandboxed) -> JudgingApart:
    apart = weir.service.runtime.judge._apart
    assert apart is not None
    return apart


def labelled(weir: Sandboxed) -> dict[str, Any]:
    row = weir.rows("requests")[-1]
    told = {name: json.loads(row[name]) for name in ("types", "rules", "unscanned", "detectors_failed")}
    return {"level": row["level"], "complexity": row["complexity"], "kind": row["kind"], **told}


@pytest.mark.parametrize("hidden", ["", " My SSN is 536-22-8741.", " as in CASE-12345", " of project  heron"])
def test_the_label_is_that_of_a_small_body(
    weir: Sandboxed, monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    messages = [*said(PROSE + hidden), {"role": "assistant", "content": "Yes?"}, *said("And the budget?")]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages[-1]["content"] = [{"type": "text", "text": "And this?"}, picture]
    asked = {"metadata": {"sensitivity": "confidential"}}
    assert weir.ask(messages, **asked)[0] == 403  # the model at home reads no pictures
    apart = labelled(weir)
    monkeypatch.setattr(weir.service.runtime.judge, "_above", 10 * len(PROSE))
    assert weir.ask(messages, **asked)[0] == 403
    assert labelled(weir) == apart


def test_its_bytes_are_parsed_once(weir: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    asked: list[Sequence[Part]] = []
    apart = apart_of(weir)._apart
    ask = apart.ask

    def counted(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def read_and_count(body: bytes) -> Any:
            parsed.append(len(body))
            return read(body)

        return read_and_count

    async def ask_and_keep(parts: list[Part], deadline: float) -> bytes:
        asked.append(list(parts))  # they are let go as they are written
        return await ask(parts, deadline)

    monkeypatch.setattr(pipeline, "parse", counted(parse))
    monkeypatch.setattr(pipeline, "parse_in_slices", counted(parse_in_slices))
    monkeypatch.setattr(apart, "ask", ask_and_keep)
    values = {"model": "gpt", "messages": said(PROSE, "And the “budget”? 😀")}
    body = json.dumps(values, ensure_ascii=False).encode()
    assert weir.post(body)[0] == 200
    assert parsed == [len(body)]
    ((_, _, *frames),) = asked
    assert put_together(memoryview(b"".join(frames))) == values  # what was parsed, and no JSON


def test_what_is_hidden_at_the_end_stays_home(weir: Sandboxed) -> None:
    status, headers, _ = weir.ask(said(PROSE), model="gpt")
    assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
    assert weir.ask(said(f"{PROSE} My SSN is 536-22-8741."), model="gpt")[0] == 403


def test_a_process_that_is_gone_means_the_highest_and_is_started_again(weir: Sandboxed) -> None:
    weir.ask(said(PROSE))
    apart = apart_of(weir)._apart
    assert apart._running is not None
    running, process = apart._running, apart._running._process
    process.send_signal(signal.SIGSTOP)  # it has the question, and no answer
    with ThreadPoolExecutor(1) as client:
        asking = client.submit(weir.ask, said(PROSE * 4), model="gpt")
        until(lambda: running._waiting)
        process.kill()
        status, _, _ = asking.result(60)
    assert status == 403
    assert labelled(weir)["level"] == "restricted"
    assert labelled(weir)["detectors_failed"] == ["patterns"]
    assert weir.ask(said(PROSE), model="gpt")[0] == 200


def test_so_is_a_file_that_is_uploaded(weir: Sandboxed) -> None:
    edge = "----here"
    for text, status in ((PROSE, 200), (f"{PROSE} My SSN is 536-22-8741.", 403)):
        form = (
            f'--{edge}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
            f'--{edge}\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt\r\n'
            f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n'
            f"content-type: text/plain\r\n\r\n{text}\r\n--{edge}--\r\n"
        ).encode()
        kind = f"multipart/form-data; boundary={edge}"
        assert weir.post(form, path="/v1/files", content_type=kind)[0] == status


def test_an_expression_without_an_end_holds_up_nobody(weir: Sandboxed) -> None:
    text = "x" * 4_000
    status, headers, _ = weir.ask(said(text), model="gpt")
    assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
    assert weir.ask(said(f"{text}y"), model="gpt")[0] == 403


def test_nor_does_it_where_hyperscan_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    missing = tmp_path_factory.mktemp("missing")
    (missing / "hyperscan.py").write_text("raise ImportError\n")
    monkeypatch.syspath_prepend(str(missing))  # the process apart finds it there
    monkeypatch.setattr(patterns, "hyperscan", None)
    monkeypatch.setattr("gateway.pipeline.judging_apart._SECONDS", 4.0)
    weir = Sandboxed(tmp_path, POLICY + OWN)
    try:
        assert apart_of(weir).above == 0  # every body is for the process that can be stopped
        status, headers, _ = weir.ask(said("as in CASE-12345"))
        assert (status, headers["x-weir-sensitivity"]) == (200, "restricted")
        hung = asyncio.run_coroutine_threadsafe(asyncio.to_thread(weir.ask, said("x" * 4_000)), weir._loop)
        status, headers, _ = weir.ask(HELLO, model="gpt")  # meanwhile
        assert (status, headers["x-weir-sensitivity"]) == (200, "internal")
        status, headers, _ = hung.result(60)
        assert (status, headers["x-weir-sensitivity"]) == (200, "restricted")
        assert '["patterns"]' in {row["detectors_failed"] for row in weir.rows("requests")}
        assert weir.ask(HELLO, model="gpt")[0] == 200
    finally:
        weir.stop()
