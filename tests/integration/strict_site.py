"""A whole Weir before strict stand-ins of the providers of presets."""

import json
from pathlib import Path
from typing import Any

from tests.integration import strict_providers
from tests.integration.providers import Asked, StandIn
from tests.integration.weirs import RunningWeir

STRICT = ("cerebras", "deepseek", "fireworks", "mistral", "moonshot", "openrouter", "together", "xai")
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
USER = {"role": "user", "content": "Hello"}
ECHOED: list[dict[str, Any]] = [  # an answer as OpenAI's library and Weir's own additions send it back
    USER,
    {"role": "assistant", "content": "Hi", "refusal": None, "annotations": [], "audio": None,
     "reasoning_content": "Hm.", "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]},
    {"role": "user", "content": "Hello", "name": "ada"},
]  # fmt: skip


class Strict(RunningWeir):
    """A Weir whose backends are strict stand-ins, each named by its preset."""

    def __init__(self, folder: Path) -> None:
        self.parts = {name: StandIn(getattr(strict_providers, name)) for name in STRICT}
        backends = "".join(
            f"  {name}: {{kind: openai, preset: {name}, zone: cloud, api_key: sk-{name}, replicas: [{part.url}/v1]}}\n"
            for name, part in self.parts.items()
        )
        can = "can: [tools, json_schema, reasoning]"
        models = "".join(f"  {name}: {{backend: {name}, upstream: org/{name}, {can}}}\n" for name in STRICT)
        policy = f"""
zones: {{cloud: {{inside: false}}}}
backends:
{backends}
models:
{models}
  cerebras-gone: {{backend: cerebras, upstream: gone}}
  together-gone: {{backend: together, upstream: gpt-4o}}
  openrouter-toolless: {{backend: openrouter, upstream: org/toolless, can: [tools]}}
  openrouter-unpaid: {{backend: openrouter, upstream: org/unpaid}}
  xai-gone: {{backend: xai, upstream: grok-1}}
  xai-reasoning: {{backend: xai, upstream: grok-4.20-reasoning}}
boundaries: []
routes:
  - {{name: schemas, when: {{workflow: schemas}}, use: [deepseek], on_failure: [fireworks]}}
  - {{name: toolless, when: {{workflow: toolless}}, use: [openrouter-toolless], on_failure: [fireworks]}}
  - {{name: broken, when: {{workflow: broken}}, use: [openrouter], on_failure: [fireworks]}}
  - {{name: only, use: [cerebras], on_failure: [fireworks]}}
aliases: {{auto: routed}}
"""
        super().__init__(folder, policy)

    def stop(self) -> None:
        super().stop()
        for part in self.parts.values():
            part.stop()

    def sent(self, name: str) -> Any:
        asked: Asked = self.parts[name].asked[-1]
        return asked.json()

    def chat(self, model: str, **more: Any) -> tuple[int, Any]:
        status, _, body = self.post({"model": model, "messages": [USER], **more})
        return status, body if more.get("stream") and status == 200 else json.loads(body)
