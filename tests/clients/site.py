"""One Weir for all client suites, before a real vLLM and stand-ins that answer well, slowly, badly and not at all."""

import json
from pathlib import Path
from typing import Any

from gateway.sandbox.sandbox import Sandbox
from gateway.sandbox.vllm import VllmStandIn
from gateway.sandbox.vllm_flags import VllmSettings
from tests.integration.weirs import RunningWeir

_HEAD = """
site: home
zones:
  home: {inside: true, jurisdiction: EU}
  away: {inside: false, jurisdiction: US, retention_days: 30, trains_on_data: false}
"""
_ENGINE = "zone: home, gpu: H100, gpus: 1, usd_per_gpu_hour: 2.10"
_CAN = "tools, json_schema"
_SPOKEN = {
    "vllm": ["chat", "completions", "responses", "messages"],
    "openai": ["chat", "completions", "responses"],
    "anthropic": ["messages"],
}
# a mood of the stand-ins, and the ending of the model names that it goes by
_MOODS = {"": "none", "-busy": "429", "-broken": "error_event", "-slow": "none"}
_MODELS = {"vllm": "llama", "openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}
_OTHERS = {"vllm": "Llama-3.1-8B", "openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
_UPSTREAMS = {
    "vllm": "meta-llama/Llama-3.1-8B-Instruct",
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
}


class ClientSite(RunningWeir):
    """`described(key)` is what a suite is told. `real` is the URL of a real vLLM, or None."""

    def __init__(self, folder: Path, real: str | None) -> None:
        self._real = real
        self._sandboxes = {
            mood: Sandbox(tokens_per_second=20 if mood == "-slow" else 5000, first_token=0.001)
            for mood in _MOODS
        }
        self._pooling = VllmStandIn(VllmSettings(models=("bge-m3",), pooling=True))
        super().__init__(folder, "")

    def before_start(self) -> None:
        for mood, sandbox in self._sandboxes.items():
            self.run(sandbox.start())
            for part in sandbox.stand_ins:
                self.run(part.fault(_MOODS[mood]))
        self.run(self._pooling.start())

    def write(self, policy: str) -> None:
        """The configuration, once the engines' addresses are known."""
        backends, models = ["backends:"], ["models:"]
        for mood, sandbox in self._sandboxes.items():
            for part in sandbox.stand_ins:
                place = _ENGINE if part.name == "vllm" else "zone: away, api_key: sk-provider"
                backends.append(
                    f'  {part.name}{mood}: {{kind: {part.name}, replicas: ["{part.url}"], {place}}}'
                )
                sees = ", completions" if part.name == "vllm" else ", vision, files, reasoning"
                models.append(
                    f"  {_MODELS[part.name]}{mood}: {{backend: {part.name}{mood}, upstream: "
                    f"{_UPSTREAMS[part.name]}, context: 131072, can: [{_CAN}{sees}]}}"
                )
        backends.append(f'  pooling: {{kind: vllm, replicas: ["{self._pooling.url}"], {_ENGINE}}}')
        models += [
            "  bge-m3: {backend: pooling, upstream: bge-m3, can: [embeddings, rerank]}",
            f"  gpt-5: {{backend: openai, upstream: gpt-5, context: 400000, can: [{_CAN}, vision, reasoning]}}",
            f"  Llama-3.1-8B: {{backend: vllm, upstream: {_UPSTREAMS['vllm']}, context: 131072, can: [{_CAN}]}}",
            f"  gpt-4o-mini: {{backend: openai, upstream: gpt-4o-mini, context: 128000, can: [{_CAN}]}}",
            f"  claude-haiku-4-5: {{backend: anthropic, upstream: claude-haiku-4-5, context: 200000, can: [{_CAN}]}}",
            "  gpt-3.5-turbo-instruct: {backend: openai, upstream: gpt-3.5-turbo-instruct, can: [completions]}",
            "  text-embedding-3-small: {backend: openai, upstream: text-embedding-3-small, can: [embeddings]}",
        ]
        if self._real:
            backends.append(f'  real: {{kind: vllm, replicas: ["{self._real}"], {_ENGINE}}}')
            models += [
                f"  {name}: {{backend: real, upstream: tiny, context: 512, can: [{_CAN}, completions]}}"
                for name in (
                    "tiny",
                    "tiny-slow",
                    "tin",
                )  # slow enough as it is; the answer calls itself `tiny`
            ]
        routes = ["routes: [{name: everyday, use: [gpt-4o]}]"]
        super().write("\n".join([_HEAD, *backends, *models, *routes, policy]))

    def stop(self) -> None:
        try:
            self.run(self.service.stop())
            for sandbox in self._sandboxes.values():
                self.run(sandbox.stop())
            self.run(self._pooling.stop())
        finally:
            self.stop_loop()

    def described(self) -> str:
        """JSON for `reporting.Site`."""
        found = [self._stand_in(name) for name in ("vllm", "openai", "anthropic")]
        if self._real:
            real = self._stand_in("vllm") | {
                "name": "vLLM",
                "model": "tiny",
                "slow": "tiny-slow",
                "other": "tin",
                "sensible": False,
                "embedder": "",
                "completer": "tiny",
            }
            found.insert(0, real)
        return json.dumps({"url": self.url, "key": self.key, "backends": found})

    def _stand_in(self, name: str) -> dict[str, Any]:
        model = _MODELS[name]
        thinkers = {"openai": "gpt-5", "anthropic": model}
        completers = {"openai": "gpt-3.5-turbo-instruct", "vllm": model}
        embedders = {"openai": "text-embedding-3-small", "vllm": "bge-m3"}
        return {
            "name": COLUMNS[name],
            "model": model,
            "other": _OTHERS[name],
            "busy": f"{model}-busy",
            "broken": f"{model}-broken",
            "slow": f"{model}-slow",
            "thinker": thinkers.get(name, ""),
            "embedder": embedders.get(name, ""),
            "completer": completers.get(name, ""),
            "sees": name != "vllm",
            "keeps": name != "vllm",
            "sensible": True,
            "native": _SPOKEN[name],
        }


COLUMNS = {"vllm": "vLLM stand-in", "openai": "OpenAI stand-in", "anthropic": "Anthropic stand-in"}
