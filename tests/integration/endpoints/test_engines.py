"""What engines alone do, through Weir: ranking, scoring, tokens."""

from tests.integration.endpoints.pooled import SSN, Pooled, post


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
