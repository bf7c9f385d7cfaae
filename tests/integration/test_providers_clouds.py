"""Models of others in Azure's and Amazon's clouds, through a whole Weir: their paths, keys, frames and errors."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.providers_site import HELLO, Providers


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    running = Providers(tmp_path_factory.mktemp("providers"))
    yield running
    running.stop()


def test_azure_stands_behind_a_path_and_a_header_of_its_own(weir: Providers) -> None:
    status, _, body = weir.chat("azure")
    assert status == 200, body
    sent = weir.sent("azure")
    assert (sent.path, sent.query) == ("/openai/v1/chat/completions", {})
    assert sent.json()["model"] == "my gpt"
    assert "authorization" not in sent.headers
    status, _, body = weir.chat("azure-dated")
    assert status == 200, body
    sent = weir.sent("azure")
    assert (sent.path, sent.query) == (
        "/openai/deployments/my%20gpt/chat/completions",
        {"api-version": ["2024-10-21"]},
    )


def test_azures_notes_reach_a_chat_client_and_trouble_no_other(weir: Providers) -> None:
    _, _, body = weir.chat("azure", stream=True)
    assert b"prompt_filter_results" in body
    assert b"content_filter_results" in body
    _, _, body = weir.post(
        {"model": "azure", "max_tokens": 9, "stream": True, "messages": HELLO}, path="/v1/messages"
    )
    assert b'"id":"c-1"' in body  # and not the empty one of the chunk that speaks of the prompt
    assert body.count(b"message_start") == 2  # once as the event's name, once inside


def test_an_answer_azure_filtered_ends_as_a_refusal(weir: Providers) -> None:
    asked = {"model": "azure", "max_tokens": 9, "stream": True,
             "messages": [{"role": "user", "content": "filter the answer"}]}  # fmt: skip
    _, _, body = weir.post(asked, path="/v1/messages")
    assert b'"stop_reason":"refusal"' in body


def test_bedrock_takes_messages_with_the_model_in_the_path(weir: Providers) -> None:
    asked = {"model": "bedrock", "max_tokens": 9, "messages": HELLO, "system": "Be brief."}
    status, _, body = weir.post(asked, path="/v1/messages", anthropic_beta="context-1m-2025-08-07")
    assert status == 200, body
    assert json.loads(body)["content"][0]["text"] == "Hello"
    sent = weir.sent("bedrock")
    assert sent.path == "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
    assert sent.json() == {
        "max_tokens": 9, "messages": HELLO, "system": "Be brief.", "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["context-1m-2025-08-07"],
    }  # fmt: skip
    assert sent.headers["x-amz-security-token"] == "aws-session"
    assert "/eu-central-1/bedrock/aws4_request" in sent.headers["authorization"]
    assert "aws-secret" not in str(sent.headers)
    booked = weir.booked()
    assert (booked["input_tokens"], booked["cache_read_tokens"], booked["output_tokens"]) == (12, 30, 4)
    assert booked["usd"] is not None  # the price list knows it as AWS's


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/responses"])
def test_bedrocks_frames_become_every_clients_stream(weir: Providers, path: str) -> None:
    asked: dict[str, Any] = {"model": "bedrock", "stream": True, "messages": HELLO, "max_tokens": 9}
    if path.endswith("responses"):
        asked = {"model": "bedrock", "stream": True, "input": "Hello"}
    status, headers, body = weir.post(asked, path=path)
    assert status == 200, body
    assert headers["content-type"].startswith("text/event-stream")
    assert b'"Hel"' in body
    assert (b"message_stop" in body) or (b"[DONE]" in body) or (b"response.completed" in body)
    assert weir.sent("bedrock").path.endswith("/invoke-with-response-stream")
    booked = weir.booked()
    assert (booked["input_tokens"], booked["cache_read_tokens"], booked["output_tokens"]) == (12, 30, 4)


@pytest.mark.parametrize("words", ["break off", "be cut"])
def test_bedrocks_broken_streams_are_no_clean_stop(weir: Providers, words: str) -> None:
    for path in ("/v1/messages", "/v1/chat/completions"):
        asked = {
            "model": "bedrock",
            "stream": True,
            "max_tokens": 9,
            "messages": [{"role": "user", "content": words}],
        }
        _, _, body = weir.post(asked, path=path)
        assert b"error" in body
        assert b"[DONE]" not in body
        assert b"message_stop" not in body
        assert weir.booked()["outcome"] in ("cut", "failed")


@pytest.mark.parametrize(
    ("model", "fault", "least"),
    [("bedrock-throttled", "busy", 429), ("bedrock-forbidden", "ours", 502), ("bedrock-slow", "broken", 502)],
)
def test_bedrocks_errors_are_judged_by_their_type(
    weir: Providers, model: str, fault: str, least: int
) -> None:
    status, _, body = weir.chat(model)
    assert status >= least, body
    assert weir.booked()["error"] == fault


def test_bedrock_counts_tokens_ahead(weir: Providers) -> None:
    status, _, body = weir.post(
        {"model": "bedrock", "messages": HELLO, "system": "Be brief."}, path="/v1/messages/count_tokens"
    )
    assert (status, json.loads(body)) == (200, {"input_tokens": 12})
    sent = weir.sent("bedrock")
    assert sent.path == "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"
    held = json.loads(base64.b64decode(sent.json()["input"]["invokeModel"]["body"]))
    assert (held["system"], held["messages"]) == ("Be brief.", HELLO)
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["usd"], row["input_tokens"]) == ("count_tokens", "0", 0)
    status, _, body = weir.post(
        {"model": "bedrock-slow", "messages": HELLO}, path="/v1/messages/count_tokens"
    )
    assert status != 200


def test_a_deployment_is_priced_as_the_model_it_is(weir: Providers) -> None:
    assert weir.chat("azure")[0] == 200
    priced = weir.booked()
    assert priced["upstream"] == "my gpt"
    assert float(priced["usd"]) > 0, priced
    assert weir.chat("azure-dated")[0] == 200  # of which nobody said what it is
    assert weir.booked()["usd"] is None
