"""A real vLLM that keeps responses, through Weir with OpenAI's library: continued, looked at, cancelled, told again,
and worked on in the background."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openai
import pytest

from tests.integration.engines import RealVllm
from tests.integration.test_ingress_vllm import CAPABLE
from tests.integration.waiting import until
from tests.integration.weirs import RunningWeir

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(420)]

KEEPING = CAPABLE.replace("gpus: 1,", "gpus: 1, keeps: [responses],")
QUESTION = "What is the capital of France?"
LONG = "Count from 1 to 200."
ENDLESS = {"logit_bias": {"2": -100}}  # the token with which the tiny model ends


@pytest.fixture(scope="module")
def weir(vllm: RealVllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeir]:
    keeping = f"{KEEPING}\nsensitivity: {{{{unscanned: {{{{response_id: internal}}}}}}}}\n"
    running = RunningWeir(tmp_path_factory.mktemp("weir"), keeping.format(url=vllm.url))
    yield running
    running.stop()


def booked(weir: RunningWeir, name: str) -> dict[str, Any]:
    """The row of a request, once it is there."""

    def found() -> list[dict[str, Any]]:
        return [row for row in weir.rows("requests") if row["id"] == name]

    until(found)
    (row,) = found()
    return row


def test_it_is_looked_at_and_continued(client: openai.OpenAI) -> None:
    made = client.responses.create(model="tiny", input=QUESTION, store=True, max_output_tokens=16)
    assert client.responses.retrieve(made.id).output_text == made.output_text
    second = client.responses.create(
        model="tiny", input="And?", previous_response_id=made.id, max_output_tokens=8
    )
    assert second.output_text
    with pytest.raises(openai.BadRequestError, match="does not serve the deletion"):
        client.responses.delete(made.id)
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        client.responses.cancel(made.id)


def test_it_works_in_the_background(client: openai.OpenAI, weir: RunningWeir) -> None:
    raw = client.responses.with_raw_response.create(
        model="tiny", input=LONG, background=True, max_output_tokens=200
    )
    made = raw.parse()
    assert (made.status, made.usage) == ("queued", None)
    until(lambda: client.responses.retrieve(made.id).status not in ("queued", "in_progress"))
    told = client.responses.retrieve(made.id)
    assert told.usage is not None
    row = booked(weir, raw.headers["x-weir-request-id"])
    assert (row["outcome"], row["usage_source"]) == ("ok", "reported")
    prompt = row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"]
    assert (prompt, row["output_tokens"]) == (told.usage.input_tokens, told.usage.output_tokens)
    assert row["gpu_ns"] > 0
    assert Decimal(row["usd"]) > 0


def test_nobody_has_to_ask(client: openai.OpenAI, weir: RunningWeir) -> None:
    raw = client.responses.with_raw_response.create(
        model="tiny", input=LONG, background=True, max_output_tokens=100
    )
    row = booked(weir, raw.headers["x-weir-request-id"])
    assert (row["outcome"], row["usage_source"], row["output_tokens"] > 0) == ("ok", "reported", True)


def test_its_stream_is_told_again(client: openai.OpenAI, weir: RunningWeir) -> None:
    with client.responses.create(
        model="tiny", input=LONG, background=True, stream=True, max_output_tokens=60
    ) as events:
        name = events.response.headers["x-weir-request-id"]
        told = list(events)
    assert told[-1].type in ("response.completed", "response.incomplete")
    assert booked(weir, name)["usage_source"] == "reported"
    last: Any = told[-1]
    with client.responses.retrieve(last.response.id, stream=True, starting_after=5) as again:
        rest = list(again)
    assert [event.sequence_number for event in rest] == [event.sequence_number for event in told[6:]]


def test_it_is_cancelled(client: openai.OpenAI, weir: RunningWeir) -> None:
    for _ in range(5):  # an engine may have said all of it by then
        raw = client.responses.with_raw_response.create(
            model="tiny", input=LONG, background=True, max_output_tokens=450, extra_body=ENDLESS
        )
        try:
            told = client.responses.cancel(raw.parse().id)
        except openai.BadRequestError:
            continue
        break
    assert told.status == "cancelled"
    row = booked(weir, raw.headers["x-weir-request-id"])
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "estimated")
