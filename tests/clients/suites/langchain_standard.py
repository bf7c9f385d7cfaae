"""LangChain's own standard suite for chat models, held to `ChatOpenAI` through Weir, once for each backend.

Its tests stand as they are. `BEYOND` names those that the tiny model cannot pass: each hangs on the sense of what it
says, and vLLM without strict tools lets it say anything. The stand-ins pass all that apply.
"""

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from material import png
from reporting import Backend, loaded, needs_sense

BEYOND = frozenset(
    (
        "test_tool_calling", "test_tool_calling_async", "test_bind_runnables_as_tools", "test_tool_choice",
        "test_tool_calling_with_no_arguments", "test_structured_few_shot_examples", "test_structured_output",
        "test_structured_output_async", "test_structured_output_pydantic_2_v1", "test_structured_output_optional_param",
        "test_json_mode", "test_agent_loop", "test_unicode_tool_call_integration",
    )
)  # fmt: skip


class _Standard(ChatModelIntegrationTests):
    """The suite, told what the model behind Weir can do."""

    backend: Backend

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        site = loaded()
        told = {"base_url": site.v1, "api_key": site.key, "max_retries": 0, "stream_usage": True}
        return {"model": self.backend.model, **told}

    @property
    def model_override_value(self) -> str:
        return self.backend.other

    @property
    def supports_image_inputs(self) -> bool:
        return self.backend.sees

    @property
    def supports_image_urls(self) -> bool:
        return self.backend.sees

    @property
    def supports_pdf_inputs(self) -> bool:
        return self.backend.sees

    @property
    def supports_pdf_tool_message(self) -> bool:
        return "Anthropic" in self.backend.name

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return self.backend.sees

    @property
    def supports_image_tool_message(self) -> bool:
        return "Anthropic" in self.backend.name

    @pytest.fixture(autouse=True)
    def told(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pictures come from here, not from the internet."""
        picture = SimpleNamespace(content=base64.b64decode(png().partition(",")[2]))
        monkeypatch.setattr("httpx.get", lambda *_, **__: picture)
        if request.node.originalname in BEYOND:
            needs_sense(self.backend)


for _backend in loaded().backends:
    _name = "Test" + "".join(word.title() for word in _backend.name.split())
    _members = {"backend": _backend, "pytestmark": [pytest.mark.feature("standard suite")]}
    globals()[_name] = type(_name, (_Standard,), _members)
