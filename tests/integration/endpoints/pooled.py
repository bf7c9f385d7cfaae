"""A Weir with a second engine, which embeds and ranks, and a body for each of its paths."""

import json
from pathlib import Path
from typing import Any

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


def post(weir: Pooled, path: str, **body: Any) -> tuple[int, dict[str, str], Any]:
    headers = {name: body.pop(name) for name in list(body) if name.startswith("x_")}
    status, out, answer = weir.post(body, path=path, **headers)
    return status, out, json.loads(answer)


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
