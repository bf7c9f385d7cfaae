"""Every path alike: a key, a model, the size and the label are asked for, and who leaves is booked."""

import json
import urllib.request

import pytest

from tests.integration.endpoints.pooled import PATHS, Pooled


@pytest.mark.parametrize("path", PATHS)
def test_no_path_is_a_side_door(weir: Pooled, path: str) -> None:
    """A key, one JSON object, a model that exists, the size, the label: asked for everywhere."""
    good = {
        "model": "bge" if path in ("/v1/embeddings", "/v1/rerank", "/v1/score") else "llama",
        **PATHS[path],
    }
    assert weir.post(good, path=path, key="sk-weir-wrong")[0] == 401
    assert weir.post(b"{}", path=path)[0] == 400
    assert weir.post(b'{"model":"llama","model":"gpt"}', path=path)[0] == 400
    for missing in PATHS[path]:
        assert weir.post({k: v for k, v in good.items() if k != missing}, path=path)[0] == (
            200 if missing == "prompt" and path == "/v1/completions" else 400
        )
    assert weir.post({**good, "model": "nope"}, path=path)[0] == 404
    assert weir.post({**good, "metadata": {"sensitivity": "very"}}, path=path)[0] == 400
    _, headers, _ = weir.post({**good, "metadata": {"sensitivity": "confidential"}}, path=path)
    assert headers["x-weir-sensitivity"] in {"confidential", "restricted"}
    request = urllib.request.Request(weir.url + path, method="GET")  # noqa: S310  # loopback
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310  # loopback
    with refused.value as error:
        assert (error.code, error.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/v1/chat/completion", "/v1/chat/completions"),
        ("/v1/embedding", "/v1/embeddings"),
        ("/v1/tokenize", "/tokenize"),
        ("/v1/messages/count_token", "/v1/messages/count_tokens"),
        ("/v1/audio/speech", "/docs"),
    ],
)
def test_a_path_nobody_serves_names_a_near_one(weir: Pooled, path: str, near: str) -> None:
    status, _, body = weir.post({}, path=path)
    assert status == 404
    assert f" {near}" in json.loads(body)["error"]["message"]


def test_the_documentation_lists_every_path(weir: Pooled) -> None:
    with urllib.request.urlopen(f"{weir.url}/openapi.json", timeout=10) as answer:  # noqa: S310  # loopback
        assert json.load(answer)["paths"].keys() >= PATHS.keys()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/completions",
        "/v1/responses",
        "/v1/embeddings",
        "/v1/rerank",
    ],
)
def test_a_client_that_leaves_cancels_the_upstream_call_and_is_booked(weir: Pooled, path: str) -> None:
    pooling = path in ("/v1/embeddings", "/v1/rerank")
    engine = weir.pooling if pooling else weir.sandbox.vllm
    row = weir.ask_and_leave(engine, {**PATHS[path], "model": "bge" if pooling else "llama"}, path)
    assert (row["outcome"], row["usage_source"]) == ("cancelled", "estimated")
    assert (row["input_tokens"] > 0) is (path != "/v1/messages/count_tokens")
