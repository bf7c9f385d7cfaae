"""Requests that one provider would hold back or look up in part, through a whole Weir: carried to models that must be
given all of it, and stored prompts to who keeps them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.providers import Asked, Reply, StandIn, completion
from tests.integration.weirs import RunningWeir

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
POLICY = """
zones: {{lab: {{inside: true}}, cloud: {{inside: false}}}}
sensitivity: {{unscanned: {{response_id: internal}}}}
backends:
  engine: {{kind: vllm, zone: lab, replicas: ["{engine}"], gpu: H100, gpus: 1, usd_per_gpu_hour: 2}}
  openai: {{kind: openai, zone: cloud, replicas: ["{openai}"], api_key: sk-ours}}
  anthropic: {{kind: anthropic, zone: cloud, replicas: ["{anthropic}"], api_key: sk-ant-ours}}
models:
  llama: {{backend: engine, upstream: llama-8b, can: [tools]}}
  gpt: {{backend: openai, upstream: gpt-5, can: [tools]}}
  claude: {{backend: anthropic, upstream: claude-sonnet-4-5, can: [tools]}}
boundaries: []
routes: [{{name: all, use: [llama], on_failure: [gpt]}}]
aliases: {{auto: routed{more}}}
"""


def answers(asked: Asked) -> Reply:
    if not asked.path.endswith("/responses"):
        return completion("Hello", USAGE)
    part = {"type": "output_text", "text": "Hello", "annotations": []}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    told = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "gpt-5",
        "output": [message],
    }
    return 200, {"content-type": "application/json"}, json.dumps({**told, "usage": usage}).encode()


def calls(asked: Asked) -> Reply:
    """As Anthropic does where it may: a call of the first tool."""
    block = {"type": "tool_use", "id": "t", "name": asked.json()["tools"][0]["name"], "input": {}}
    usage = {"input_tokens": 7, "output_tokens": 3}
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [block]}
    return 200, {}, json.dumps({**told, "stop_reason": "tool_use", "usage": usage}).encode()


class Carrying(RunningWeir):
    """Before an engine and OpenAI, which keeps what one of its tenants made past Weir."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.engine, self.openai, self.anthropic = StandIn(answers), StandIn(answers), StandIn(calls)
        policy = POLICY.format(
            engine=self.engine.url, openai=self.openai.url, anthropic=self.anthropic.url, more=more
        )
        super().__init__(folder, policy, owns='openai: "*"')

    def stop(self) -> None:
        super().stop()
        self.engine.stop()
        self.openai.stop()
        self.anthropic.stop()


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrying]:
    running = Carrying(tmp_path_factory.mktemp("weir"), ", prompts: routed")
    yield running
    running.stop()


def test_tools_that_would_be_searched_for_are_all_given_to_an_engine(weir: Carrying) -> None:
    held_back = {"name": "b", "input_schema": {"type": "object"}, "defer_loading": True}
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    asked = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}],
             "tools": [held_back, search], "context_management": {"edits": []}}  # fmt: skip
    status, headers, body = weir.post(asked, path="/v1/messages")
    assert (status, headers["x-weir-model"]) == (200, "llama"), body
    assert json.loads(body)["content"] == [{"type": "text", "text": "Hello"}]
    sent = weir.engine.asked[-1]
    assert sent.path == "/v1/chat/completions"
    assert [tool["function"]["name"] for tool in sent.json()["tools"]] == ["b"]


def test_a_client_of_functions_is_answered_by_anthropic_in_its_own_form(weir: Carrying) -> None:
    asked = {"model": "claude", "messages": [{"role": "user", "content": "Hello"}],
             "functions": [{"name": "look", "parameters": {"type": "object"}}]}  # fmt: skip
    status, _, body = weir.post(asked)
    assert status == 200, body
    (choice,) = json.loads(body)["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "look", "arguments": "{}"}
    assert weir.rows("requests")[-1]["output_tokens"] == 3


@pytest.mark.parametrize(("named", "sent"), [({}, "gpt-5"), ({"model": "gpt"}, "gpt-5")])
def test_a_stored_prompt_goes_to_who_keeps_it(weir: Carrying, named: dict[str, Any], sent: str) -> None:
    prompt = {"id": "pmpt_1", "version": "2", "variables": {"who": "Ada"}}
    status, headers, body = weir.post({**named, "prompt": prompt}, path="/v1/responses")
    assert (status, headers["x-weir-model"]) == (200, "gpt"), body
    assert weir.openai.asked[-1].json() == {"model": sent, "prompt": prompt}


def test_a_stored_prompt_of_nobodys_is_not_found(weir: Carrying) -> None:
    status, _, body = weir.post({"prompt": {"id": "pmpt_1"}}, path="/v1/responses", key=weir.other_key)
    assert (status, json.loads(body)["error"]["code"]) == (404, "object_not_found")


def test_a_stored_prompt_that_nobody_said_a_model_for_is_refused_by_name(tmp_path: Path) -> None:
    weir = Carrying(tmp_path)
    try:
        status, _, body = weir.post({"prompt": {"id": "pmpt_1"}}, path="/v1/responses")
        told = json.loads(body)["error"]
        assert (status, told["param"]) == (400, "model")
        assert "alias `prompts`" in told["message"]
    finally:
        weir.stop()
