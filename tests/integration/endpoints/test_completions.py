"""OpenAI's own library through Weir to completions: prompts that are continued."""

from typing import Any

import openai
import pytest

from tests.integration.endpoints.pooled import SSN, Pooled


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
