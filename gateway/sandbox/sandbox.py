"""The three stand-ins together: started, stopped and addressed as one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import orjson

from gateway.sandbox.anthropic import MODELS as ANTHROPIC_MODELS
from gateway.sandbox.anthropic import AnthropicStandIn
from gateway.sandbox.engine import Speed
from gateway.sandbox.http import Listener, Reply, Request
from gateway.sandbox.openai import MODELS as OPENAI_MODELS
from gateway.sandbox.openai import OpenAIStandIn
from gateway.sandbox.provider import ProviderSettings
from gateway.sandbox.standin import StandIn
from gateway.sandbox.vllm import VllmStandIn
from gateway.sandbox.vllm_flags import VllmSettings


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each part listens; 0 takes a free port."""

    vllm: int = 0
    openai: int = 0
    anthropic: int = 0
    control: int = 0


class Sandbox:
    """Stand-ins for vLLM, OpenAI and Anthropic, and a control port that works also while they are down.

    `async with Sandbox() as sandbox:`, or `start` and `stop`. The parts are public:
    `await sandbox.vllm.down()`, `await sandbox.openai.fault("429")`, `sandbox.anthropic.received`.
    """

    def __init__(
        self,
        *,
        ports: Ports | None = None,
        tokens_per_second: float = 1000.0,
        first_token: float = 0.01,
        seed: int = 0,
    ) -> None:
        """`tokens_per_second` is one stream's pace, `first_token` a provider's seconds before it."""
        ports = ports or Ports()

        def provider(models: tuple[str, ...]) -> ProviderSettings:
            return ProviderSettings(
                models, tokens_per_second=tokens_per_second, first_token=first_token, seed=seed
            )

        self.vllm: Final = VllmStandIn(
            VllmSettings(speed=Speed.of(tokens_per_second), seed=seed), port=ports.vllm
        )
        self.openai: Final = OpenAIStandIn(provider(OPENAI_MODELS), port=ports.openai)
        self.anthropic: Final = AnthropicStandIn(provider(ANTHROPIC_MODELS), port=ports.anthropic)
        self._control = Listener(self._answer, port=ports.control)

    @property
    def stand_ins(self) -> tuple[StandIn, ...]:
        """All three."""
        return (self.vllm, self.openai, self.anthropic)

    @property
    def control_url(self) -> str:
        """`POST {control_url}/_sandbox/vllm/faults` works also while vLLM refuses connections."""
        return self._control.url

    def environ(self) -> Mapping[str, str]:
        """What a configuration can name as `${WEIR_SANDBOX_VLLM_URL}` and so on."""
        return {f"WEIR_SANDBOX_{part.name.upper()}_URL": part.url for part in self.stand_ins}

    async def start(self) -> None:
        """Listen on every port. Raises OSError where one is taken; nothing listens then."""
        started: list[StandIn] = []
        try:
            for part in self.stand_ins:
                await part.start()
                started.append(part)
            await self._control.open()
        except OSError:
            await asyncio.gather(*(part.stop() for part in started))
            raise

    async def stop(self) -> None:
        """Drop every connection and stop listening."""
        await self._control.close()
        await asyncio.gather(*(part.stop() for part in self.stand_ins))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def _answer(self, request: Request, reply: Reply) -> None:
        for part in self.stand_ins:
            prefix = f"/_sandbox/{part.name}/"
            if request.path.startswith(prefix):
                path = "/_sandbox/" + request.path.removeprefix(prefix)
                status, answer = await part.control(request.method, path, request.body)
                await reply.json(status, answer)
                return
        listed = {part.name: part.url for part in self.stand_ins}
        body = orjson.dumps(
            {"stand_ins": listed, "paths": ["/_sandbox/{name}/faults", "/_sandbox/{name}/requests"]}
        )
        await reply.whole(200 if request.path == "/" else 404, body, {"content-type": "application/json"})
