"""Responses that a provider keeps, through a whole Weir with OpenAI's own library: looked at, streamed again, paged
through, deleted, and kept apart."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.integration.sandboxed import POLICY, Sandboxed

CONFIDENTIAL = "Mail jane.doe@example.com about it."


def get(weir: Sandboxed, path: str, key: str | None = None) -> httpx.Response:
    return httpx.get(weir.url + path, headers={"authorization": f"Bearer {key or weir.key}"})


def test_it_is_looked_at_byte_for_byte(client: openai.OpenAI, weir: Sandboxed) -> None:
    made = client.responses.create(model="gpt", input="Say hello.")
    raw = client.responses.with_raw_response.retrieve(made.id, include=["message.output_text.logprobs"])
    assert raw.parse().output_text == made.output_text
    assert weir.sandbox.openai.kept.queries[-1].endswith(
        f"GET /v1/responses/{made.id}?include%5B%5D=message.output_text.logprobs"
    )
    past_weir = httpx.get(
        f"{weir.sandbox.openai.url}/v1/responses/{made.id}", headers={"authorization": "Bearer x"}
    )
    assert raw.http_response.content == past_weir.content
    assert (raw.headers["x-weir-model"], raw.headers["x-weir-zone"]) == ("gpt", "openai")
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["model"], row["outcome"], row["usd"]) == ("response", "gpt", "ok", "0")
    assert (row["input_tokens"], row["output_tokens"]) == (0, 0), "they were booked when it was made"


def test_its_stream_is_told_again_from_where_it_broke(client: openai.OpenAI, weir: Sandboxed) -> None:
    made = client.responses.create(model="gpt", input="Say hello.")
    everything = get(weir, f"/v1/responses/{made.id}?stream=true").content
    with client.responses.retrieve(made.id, stream=True, starting_after=3) as events:
        told = list(events)
    assert [event.sequence_number for event in told] == list(range(4, 4 + len(told)))
    assert told[-1].type == "response.completed"
    numbers = [
        json.loads(line[5:])["sequence_number"] for line in everything.splitlines() if line[:5] == b"data:"
    ]
    assert numbers == list(range(4 + len(told)))
    row = weir.rows("requests")[-1]
    assert (row["outcome"], row["input_tokens"], row["output_tokens"], row["usd"]) == ("ok", 0, 0, "0")


def test_input_items_come_in_pages(client: openai.OpenAI, weir: Sandboxed) -> None:
    asked: Any = [{"role": "user", "content": f"Number {number}."} for number in range(5)]
    made = client.responses.create(model="gpt", input=asked)
    items = list(client.responses.input_items.list(made.id, limit=2, order="asc"))
    assert [item.content[0].text for item in items] == [each["content"] for each in asked]  # type: ignore[union-attr]  # all are messages
    assert [row["dialect"] for row in weir.rows("requests")][-3:] == ["response"] * 3


def test_it_is_deleted_for_good(client: openai.OpenAI, weir: Sandboxed) -> None:
    made = client.responses.create(model="gpt", input="Say hello.")
    client.responses.delete(made.id)
    weir.sandbox.openai.kept.queries.clear()
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{made.id}' not found"):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt", input="And?", previous_response_id=made.id)
    assert not weir.sandbox.openai.kept.queries


def test_what_is_no_background_response_cannot_be_cancelled(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gpt", input="Say hello.")
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        client.responses.cancel(made.id)


def test_no_other_tenant_can_name_it(client: openai.OpenAI, stranger: openai.OpenAI, weir: Sandboxed) -> None:
    made = client.responses.create(model="gpt", input="Say hello.")
    weir.sandbox.openai.kept.queries.clear()
    errors = []
    for name in (made.id, "resp_of_nobody"):
        for act in (
            stranger.responses.retrieve,
            stranger.responses.delete,
            stranger.responses.cancel,
            lambda name: list(stranger.responses.input_items.list(name)),
            lambda name: list(stranger.responses.retrieve(name, stream=True)),
        ):
            with pytest.raises(openai.NotFoundError) as raised:
                act(name)
            errors.append(json.dumps(raised.value.body).replace(name, "…"))
    assert len(set(errors)) == 1, "theirs and nobody's are told apart by nothing"
    assert not weir.sandbox.openai.kept.queries
    assert client.responses.retrieve(made.id).id == made.id


def test_nobody_keeps_what_was_translated_or_not_stored(client: openai.OpenAI, weir: Sandboxed) -> None:
    translated = client.responses.create(model="claude", input="Say hello.")
    assert translated.model_dump()["store"] is False
    unstored = client.responses.create(model="gpt", input="Say hello.", store=False)
    for name in (translated.id, unstored.id):
        with pytest.raises(openai.NotFoundError, match='"store": true'):
            client.responses.retrieve(name)
    for model in ("claude", "llama"):
        with pytest.raises(openai.BadRequestError, match="store"):
            client.responses.create(model=model, input="Say hello.", store=True)
    engines = client.responses.create(model="llama", input="Say hello.")
    with pytest.raises(openai.APIStatusError) as raised:
        client.responses.retrieve(engines.id)
    assert raised.value.status_code in (400, 404)


@pytest.mark.parametrize(
    ("path", "method", "status", "word"),
    [
        ("?stream=maybe%20so", "GET", 400, "stream"),
        ("?secret=x", "GET", 400, "secret"),
        ("/cancel?limit=1", "POST", 400, "limit"),
        ("/cancel", "GET", 405, "POST"),
        ("", "POST", 405, "DELETE and GET"),
        ("/input_items", "DELETE", 405, "GET"),
        ("/elsewhere", "GET", 404, "does not serve"),
    ],
)
def test_what_it_cannot_ask(
    client: openai.OpenAI, weir: Sandboxed, path: str, method: str, status: int, word: str
) -> None:
    made = client.responses.create(model="gpt", input="Say hello.")
    weir.sandbox.openai.kept.queries.clear()
    answer = httpx.request(
        method, f"{weir.url}/v1/responses/{made.id}{path}", headers={"authorization": f"Bearer {weir.key}"}
    )
    assert answer.status_code == status, answer.text
    assert word in answer.json()["error"]["message"]
    assert not weir.sandbox.openai.kept.queries


@pytest.mark.parametrize(
    "path", ["/v1/responses/input_tokens", "/v1/responses/compact", "/v1/responses/%2e%2e"]
)
def test_what_names_no_response_is_a_path_that_is_not_there(weir: Sandboxed, path: str) -> None:
    for method in ("GET", "DELETE", "POST"):
        answer = httpx.request(method, weir.url + path, headers={"authorization": f"Bearer {weir.key}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url"), (
            method,
            answer.text,
        )


def test_boundaries_of_now_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Made where its label was permitted, and asked about when it no longer is."""
    open_ = POLICY.replace("at_least: confidential", "at_least: restricted")
    weir = Sandboxed(tmp_path_factory.mktemp("weir"), open_)
    try:
        with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
            plain = client.responses.create(model="gpt", input="Say hello.").id
            mail = client.responses.create(model="gpt", input=CONFIDENTIAL).id
            raw = client.responses.with_raw_response.retrieve(mail)
            assert raw.headers["x-weir-sensitivity"] == "confidential"
            weir.config.write_text(
                weir.config.read_text().replace("at_least: restricted", "at_least: confidential")
            )
            weir.wait_for_policy_change()
            weir.sandbox.openai.kept.queries.clear()
            with pytest.raises(openai.PermissionDeniedError, match="stays-home"):
                client.responses.retrieve(mail)
            assert not weir.sandbox.openai.kept.queries
            assert client.responses.retrieve(plain).id == plain
    finally:
        weir.stop()
