"""OpenAI's own library through Weir to embeddings."""

import json

import openai
import pytest

from tests.integration.endpoints.pooled import SSN, Pooled


@pytest.mark.parametrize("model", ["small", "bge"])
def test_texts_are_embedded(client: openai.OpenAI, weir: Pooled, model: str) -> None:
    answer = client.embeddings.create(model=model, input=["a cat", "a dog"])  # the library asks for base64
    assert [each.index for each in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == 32
    plain = client.embeddings.create(model=model, input="a cat", encoding_format="float", dimensions=8)
    assert len(plain.data[0].embedding) == 8
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["model"], row["usage_source"]) == ("embeddings", model, "reported")
    assert (row["input_tokens"], row["output_tokens"]) == (plain.usage.prompt_tokens, 0)
    if model == "small":
        assert float(row["usd"]) == pytest.approx(plain.usage.prompt_tokens * 0.02 / 1e6, rel=1e-6)
    else:
        assert row["gpu_ns"] >= 0


def test_token_ids_are_embedded_at_home_only(client: openai.OpenAI, weir: Pooled) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="stays-home"):
        client.embeddings.create(model="small", input=[[1, 2, 3], [4]])
    assert client.embeddings.create(model="bge", input=[[1, 2, 3], [4]]).data
    assert json.loads(weir.rows("requests")[-1]["unscanned"]) == ["token_ids"]


def test_texts_hidden_among_token_ids_are_read(client: openai.OpenAI, weir: Pooled) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        client.embeddings.create(model="small", input=[[1, 2, 3], SSN])  # type: ignore[list-item]  # on purpose
    assert "US_SSN" in weir.rows("requests")[-1]["types"]


def test_embeddings_are_routed_and_stay_home_alike(client: openai.OpenAI, weir: Pooled) -> None:
    raw = client.embeddings.with_raw_response.create(model="embed", input="a cat")
    assert (raw.headers["x-weir-model"], raw.headers["x-weir-route"]) == ("small", "vectors")
    raw = client.embeddings.with_raw_response.create(model="embed", input=SSN)
    assert raw.headers["x-weir-model"] == "bge"
    weir.sandbox.openai.received.clear()
    weir.run(weir.sandbox.openai.fault("500"))
    raw = client.embeddings.with_raw_response.create(model="embed", input="a cat")
    assert (raw.headers["x-weir-model"], raw.headers["x-weir-attempts"]) == ("bge", "2")


def test_a_model_that_generates_embeds_nothing(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="it cannot do embeddings"):
        client.embeddings.create(model="llama", input="a cat")
