"""A whole Weir before stand-ins of the providers whose wires depart from OpenAI's and Anthropic's."""

from pathlib import Path
from typing import Any

from tests.integration import providers, strict_providers
from tests.integration.providers import StandIn
from tests.integration.weirs import RunningWeir

HELLO = [{"role": "user", "content": "Hello"}]
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"


class Providers(RunningWeir):
    """A Weir whose backends are stand-ins; a model is named `<preset>` or `<preset>-<upstream>`."""

    def __init__(self, folder: Path) -> None:
        wires = ("groq", "deepseek", "gemini", "openrouter", "azure", "bedrock")
        self.parts = {name: StandIn(getattr(providers, name)) for name in wires}
        self.parts["mistral"] = StandIn(strict_providers.mistral)
        at = {name: part.url for name, part in self.parts.items()}
        policy = f"""
zones: {{cloud: {{inside: false}}}}
sensitivity: {{unscanned: {{default: internal}}}}
backends:
  mistral: {{kind: openai, preset: mistral, zone: cloud, replicas: ["{at["mistral"]}/v1"]}}
  groq: {{kind: openai, preset: groq, zone: cloud, replicas: ["{at["groq"]}/openai/v1"], api_key: q-key}}
  deepseek: {{kind: openai, preset: deepseek, zone: cloud, replicas: ["{at["deepseek"]}"], api_key: d-key}}
  gemini: {{kind: openai, preset: gemini, zone: cloud, replicas: ["{at["gemini"]}/v1beta/openai"]}}
  openrouter: {{kind: openai, preset: openrouter, zone: cloud, replicas: ["{at["openrouter"]}/api/v1"]}}
  azure: {{kind: azure, zone: cloud, replicas: ["{at["azure"]}"], api_key: az-key, priced_as: {{my gpt: gpt-5}}}}
  azure-dated: {{kind: azure, zone: cloud, replicas: ["{at["azure"]}"], api_key: az-key, api_version: "2024-10-21"}}
  bedrock: {{kind: bedrock, region: eu-central-1, zone: cloud, replicas: ["{at["bedrock"]}"]}}
models:
  mistral: {{backend: mistral, upstream: mistral-small-latest, can: [tools, json_schema]}}
  mistral-gone: {{backend: mistral}}
  groq: {{backend: groq, upstream: llama-3.1-8b-instant, can: [tools]}}
  groq-gone: {{backend: groq, upstream: mixtral-8x7b-32768}}
  deepseek: {{backend: deepseek, upstream: deepseek-chat, can: [tools, reasoning]}}
  deepseek-gone: {{backend: deepseek}}
  gemini: {{backend: gemini, upstream: gemini-2.5-flash, can: [tools, reasoning]}}
  gemini-gone: {{backend: gemini, upstream: gemini-1.0-pro}}
  openrouter: {{backend: openrouter, upstream: some/model}}
  openrouter-gone: {{backend: openrouter, upstream: no/such}}
  azure: {{backend: azure, upstream: "my gpt", can: [tools]}}
  azure-dated: {{backend: azure-dated, upstream: "my gpt"}}
  azure-gone: {{backend: azure-dated, upstream: gone}}
  bedrock: {{backend: bedrock, upstream: "{CLAUDE}", can: [tools, reasoning]}}
  bedrock-throttled: {{backend: bedrock, upstream: throttled}}
  bedrock-invalid: {{backend: bedrock, upstream: invalid}}
  bedrock-retired: {{backend: bedrock, upstream: retired}}
  bedrock-forbidden: {{backend: bedrock, upstream: forbidden}}
  bedrock-slow: {{backend: bedrock, upstream: slow}}
aliases: {{auto: routed}}
boundaries: []
routes:
  - {{name: after-gone, when: {{workflow: after-gone}}, use: [groq-gone], on_failure: [mistral]}}
  - {{name: only, use: [mistral]}}
"""
        environ = {
            "MISTRAL_API_KEY": "m-key", "GEMINI_API_KEY": "g-key", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "aws-secret", "AWS_SESSION_TOKEN": "aws-session",
        }  # fmt: skip
        super().__init__(folder, policy, environ)

    def stop(self) -> None:
        super().stop()
        for part in self.parts.values():
            part.stop()

    def chat(self, model: str, text: str = "Hello", **more: Any) -> tuple[int, dict[str, str], bytes]:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.post(body)

    def sent(self, name: str) -> providers.Asked:
        return self.parts[name].asked[-1]

    def booked(self) -> dict[str, Any]:
        return self.rows("attempts")[-1]
