"""OpenAI's own library through Weir to the other endpoints: completions, embeddings, and what engines alone do."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.sandbox.vllm import VllmStandIn
from gateway.sandbox.vllm_flags import VllmSettings
from tests.integration.sandboxed import POLICY, Sandboxed

SSN = "My SSN is 536-22-8741, file my form."
MORE = (
    POLICY.replace("can: [tools, json_schema]}", "can: [tools, json_schema, completions]}", 1)
    .replace(
        "models:\n",
        """models:
  instruct: {backend: openai, upstream: gpt-3.5-turbo-instruct, can: [completions]}
  small: {backend: openai, upstream: text-embedding-3-small, can: [embeddings]}
  bge: {backend: gpu-b, upstream: bge-m3, can: [embeddings, rerank]}
""",
    )
    .replace(
        "  openai:\n    {kind",
        """  gpu-b:
    {kind: vllm, zone: home, replicas: ["${POOLING_URL}"], gpu: L4, gpus: 1, usd_per_gpu_hour: 0.60,
     timeouts: {connect: 10s, first_byte: 20s, idle: 20s}}
  openai:
    {kind""",
        1,
    )
    .replace(
        "aliases: {auto: routed}",
        "aliases: {auto: routed, embed: routed}\nsensitivity: {unscanned: {response_id: internal}}",
    )
    .replace(
        "routes:\n",
        "routes:\n  - {name: vectors, when: {model: embed}, use: [small], on_failure: [bge]}\n"
        "  - {name: prompts, when: {workflow: prompts}, use: [instruct], on_failure: [llama]}\n",
    )
)


class Pooled(Sandboxed):
    """With a second engine, which embeds and ranks."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MORE)

    def before_start(self) -> None:
        super().before_start()
        self.pooling = VllmStandIn(VllmSettings(models=("bge-m3",), pooling=True))
        self.run(self.pooling.start())
        self.environ |= {"POOLING_URL": self.pooling.url}

    def calm(self) -> None:
        super().calm()
        self.run(self.pooling.fault("none"))
        self.pooling.received.clear()

    def stop(self) -> None:
        self.run(self.pooling.stop())
        super().stop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    running = Pooled(tmp_path_factory.mktemp("weir"))
    yield running
    running.stop()


@pytest.fixture
def weir(whole: Pooled) -> Pooled:
    whole.calm()
    return whole


def post(weir: Pooled, path: str, **body: Any) -> tuple[int, dict[str, str], Any]:
    headers = {name: body.pop(name) for name in list(body) if name.startswith("x_")}
    status, out, answer = weir.post(body, path=path, **headers)
    return status, out, json.loads(answer)


# ── completions ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", ["instruct", "llama"])
@pytest.mark.parametrize(("prompt", "choices"), [("Once upon", 1), (["Once", "upon"], 2), ([3, 4, 5], 1)])
def test_a_prompt_is_continued(
    client: openai.OpenAI, weir: Pooled, model: str, prompt: Any, choices: int
) -> None:
    if model == "instruct" and not isinstance(prompt, str) and isinstance(prompt[0], int):
        with pytest.raises(openai.PermissionDeniedError):  # nobody here can read token ids
            client.completions.create(model=model, prompt=prompt)
        return
    answer = client.completions.create(model=model, prompt=prompt, max_tokens=5, n=2)
    assert len(answer.choices) == 2 * choices
    assert {choice.finish_reason for choice in answer.choices} == {"length"}
    assert answer.usage
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["model"], row["outcome"]) == ("completions", model, "ok")
    assert (row["input_tokens"], row["output_tokens"]) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
    )


@pytest.mark.parametrize("model", ["instruct", "llama"])
@pytest.mark.parametrize("asked", [True, False], ids=["usage asked", "not asked"])
def test_a_streamed_continuation(client: openai.OpenAI, weir: Pooled, model: str, asked: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(
        client.completions.create(
            model=model, prompt=["a b", "c"], max_tokens=4, n=2, stream=True, echo=True, **options
        )
    )
    said: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            said[choice.index] = said.get(choice.index, "") + choice.text
    assert sorted(said) == [0, 1, 2, 3]
    assert said[0].startswith("a b")
    assert said[2].startswith("c")
    assert bool(chunks[-1].usage) is asked
    row = weir.rows("requests")[-1]
    assert (row["outcome"], row["usage_source"], row["output_tokens"]) == ("ok", "reported", 16)


def test_a_model_that_only_chats_is_not_given_a_bare_prompt(client: openai.OpenAI, weir: Pooled) -> None:
    with pytest.raises(openai.BadRequestError, match="completions"):
        client.completions.create(model="gpt", prompt="Once upon")
    assert not len(weir.sandbox.openai.received)


def test_a_secret_in_a_prompt_or_its_suffix_stays_home(client: openai.OpenAI, weir: Pooled) -> None:
    for body in ({"prompt": SSN}, {"prompt": ["fine", SSN]}, {"prompt": "fine", "suffix": SSN}):
        raw = client.completions.with_raw_response.create(
            model="auto", **body, extra_headers={"x-weir-workflow": "prompts"}
        )
        assert (raw.headers["x-weir-model"], raw.headers["x-weir-sensitivity"]) == ("llama", "restricted")
    assert not len(weir.sandbox.openai.received)


@pytest.mark.parametrize("mode", ["cut", "error_event"])
def test_a_broken_continuation_is_no_clean_stop(weir: Pooled, mode: str) -> None:
    weir.run(weir.sandbox.openai.fault(mode))
    body = {"model": "instruct", "prompt": "Once upon a time", "stream": True, "max_tokens": 16}
    _, _, out = weir.post(body, path="/v1/completions")
    assert b"[DONE]" not in out
    assert b'"error"' in out
    assert weir.rows("requests")[-1]["outcome"] == "cut"


# ── embeddings ───────────────────────────────────────────────────────────────────────────────────────────


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


# ── responses ────────────────────────────────────────────────────────────────────────────────────────────

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_response(client: openai.OpenAI, weir: Pooled, model: str, streamed: bool) -> None:
    if streamed:
        with client.responses.stream(model=model, input="Say hello.", store=False) as stream:
            numbers = [event.sequence_number for event in stream]
            answer: Any = stream.get_final_response()
        assert numbers == list(range(len(numbers)))
    else:
        answer = client.responses.create(model=model, input="Say hello.", store=False)
    assert answer.status == "completed"
    assert answer.output_text
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["model"], row["outcome"], row["usage_source"]) == (
        "responses",
        model,
        "ok",
        "reported",
    )
    assert answer.usage.output_tokens == row["output_tokens"] + row["reasoning_tokens"]


@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
def test_a_response_calls_a_tool_and_reads_its_result(client: openai.OpenAI, model: str) -> None:
    question: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    answer: Any = client.responses.create(model=model, input=question, tools=[TOOL], store=False)
    call = next(item for item in answer.output if item.type == "function_call")
    assert (call.name, list(json.loads(call.arguments))) == ("get_weather", ["city"])
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}
    told = [*question, *[item.to_dict() for item in answer.output], result]
    answer = client.responses.create(model=model, input=told, tools=[TOOL], store=False)
    assert "4 degrees" in answer.output_text


def test_a_secret_in_a_response_stays_home(client: openai.OpenAI, weir: Pooled) -> None:
    asked: Any = {"input": SSN, "store": False}
    raw = client.responses.with_raw_response.create(model="auto", **asked)
    assert (raw.headers["x-weir-model"], raw.headers["x-weir-sensitivity"]) == ("llama", "restricted")
    with pytest.raises(openai.PermissionDeniedError, match="stays-home"):
        client.responses.create(model="gpt", **asked)
    assert not len(weir.sandbox.openai.received)


@pytest.mark.parametrize("mode", ["cut", "error_event"])
@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
def test_a_broken_response_is_never_complete(weir: Pooled, model: str, mode: str) -> None:
    part = {"gpt": "openai", "llama": "vllm", "claude": "anthropic"}[model]
    weir.run(getattr(weir.sandbox, part).fault(mode))
    body = {"model": model, "input": "Say hello.", "stream": True, "store": False}
    _, _, out = weir.post(body, path="/v1/responses")
    assert b"response.completed" not in out
    assert b'"error"' in out or b"response.failed" in out
    assert weir.rows("requests")[-1]["outcome"] == "cut"


def test_a_conversation_goes_on_where_it_is_kept_and_for_its_own_tenant_alone(
    client: openai.OpenAI, stranger: openai.OpenAI, weir: Pooled
) -> None:
    first = client.responses.create(model="gpt", input="My favourite word is weir.")
    asked: Any = {"input": "Say it again.", "previous_response_id": first.id}
    raw = client.responses.with_raw_response.create(
        model="auto", **asked, extra_headers={"x-weir-debug": "1"}
    )
    assert raw.headers["x-weir-model"] == "gpt"  # although `auto` prefers the model at home
    assert "openai keeps what the request names" in json.dumps(raw.parse().to_dict()["weir"])
    item = {"type": "item_reference", "id": first.output[-1].id}
    assert client.responses.create(model="gpt", input=[item, {"role": "user", "content": "?"}]).output_text  # type: ignore[list-item]  # a dict will do
    weir.sandbox.openai.received.clear()
    for body in (asked, {"input": [item]}, {**asked, "previous_response_id": "resp_unheard_of"}):
        with pytest.raises(openai.NotFoundError, match="No such object"):
            stranger.responses.create(model="gpt", **body)
    assert not len(weir.sandbox.openai.received)
    with pytest.raises(openai.BadRequestError, match="keeps what this request names"):
        client.responses.create(model="llama", **asked)
    with pytest.raises(openai.BadRequestError, match="store"):
        client.responses.create(model="llama", input="hi", store=True)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/responses", {"input": "Take your time.", "background": True, "store": False}, "background"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "Take your time."}], "deferred": True},
            "deferred",
        ),
    ],
)
@pytest.mark.parametrize("model", ["gpt", "llama", "claude"])
def test_what_would_be_answered_later_is_refused_by_name(
    weir: Pooled, path: str, body: dict[str, Any], field: str, model: str
) -> None:
    status, _, answer = post(weir, path, model=model, **body)
    assert (status, answer["error"]["param"], answer["error"]["code"]) == (
        400,
        field,
        "unsupported_parameter",
    )
    assert not any(part.received for part in weir.sandbox.stand_ins)
    row = weir.rows("requests")[-1]
    assert (row["outcome"], row["attempts"], row["usd"]) == ("refused", 0, "0")


# ── what engines alone do ────────────────────────────────────────────────────────────────────────────────


def test_documents_are_ranked_and_texts_scored(weir: Pooled) -> None:
    documents = ["the weather in Oslo", "a cat sat"]
    status, headers, ranked = post(weir, "/v1/rerank", model="bge", query="Oslo weather", documents=documents)
    assert (status, headers["x-weir-model"]) == (200, "bge")
    assert [each["index"] for each in ranked["results"]] == [0, 1]
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["usage_source"]) == ("rerank", "reported")
    assert row["input_tokens"] == ranked["usage"]["prompt_tokens"] > 0
    status, _, scored = post(weir, "/v1/score", model="bge", text_1="a cat", text_2=["a cat", "a dog"])
    assert status == 200
    assert scored["data"][0]["score"] > scored["data"][1]["score"]
    assert weir.rows("requests")[-1]["dialect"] == "score"


def test_what_is_ranked_is_labelled(weir: Pooled) -> None:
    _, headers, _ = post(weir, "/v1/rerank", model="bge", query="whose form?", documents=["fine", SSN])
    assert headers["x-weir-sensitivity"] == "restricted"
    _, headers, _ = post(weir, "/v1/score", model="bge", text_1=SSN, text_2="fine")
    assert headers["x-weir-sensitivity"] == "restricted"


def test_prompts_are_tokenized_for_nothing(weir: Pooled) -> None:
    for body in ({"prompt": "a b c"}, {"messages": [{"role": "user", "content": "a b c"}]}):
        status, headers, answer = post(weir, "/tokenize", model="llama", **body)
        assert (status, headers["x-weir-model"]) == (200, "llama")
        assert answer["count"] == len(answer["tokens"]) > 0
        row = weir.rows("requests")[-1]
        assert (row["dialect"], row["input_tokens"], float(row["usd"])) == ("tokenize", 0, 0)
        assert not row["gpu_ns"]
    status, headers, answer = post(weir, "/detokenize", model="llama", tokens=[1, 2])
    assert (status, answer["prompt"], headers["x-weir-sensitivity"]) == (200, "<1> <2>", "restricted")


def test_who_cannot_is_passed_over_or_named(weir: Pooled) -> None:
    assert (
        post(weir, "/tokenize", model="auto", prompt="x", x_weir_workflow="hard")[1]["x-weir-model"]
        == "llama"
    )
    for path, body in (("/tokenize", {"prompt": "x"}), ("/v1/rerank", {"query": "x", "documents": ["y"]})):
        status, _, answer = post(weir, path, model="gpt", **body)
        assert status == 400
        assert path.rpartition("/")[2] in answer["error"]["message"]
    assert not len(weir.sandbox.openai.received)


# ── every path alike ─────────────────────────────────────────────────────────────────────────────────────

PATHS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1/completions": {"prompt": "hi"},
    "/v1/embeddings": {"input": "hi"},
    "/v1/messages": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"input": "hi"},
    "/v1/rerank": {"query": "hi", "documents": ["hi"]},
    "/v1/score": {"text_1": "hi", "text_2": "hi"},
    "/tokenize": {"prompt": "hi"},
    "/detokenize": {"tokens": [1]},
}


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
