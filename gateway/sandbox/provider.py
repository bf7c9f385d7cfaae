"""What the stand-ins of closed providers share: a pace, a key to check, a prompt cache of their own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from gateway.sandbox.engine import PrefixCache, Sleep
from gateway.sandbox.standin import StandIn


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """How a provider's stand-in behaves."""

    models: tuple[str, ...]
    api_key: str | None = field(default=None, repr=False)  # None: any key will do, but one must come
    tokens_per_second: float = 1000.0
    first_token: float = 0.01  # seconds until the answer begins
    seed: int = 0


class ProviderStandIn(StandIn):
    """A closed provider: no engine to look into, just answers at a pace."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        cache_block: int,
        host: str = "127.0.0.1",
        port: int = 0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`cache_block`: by how many tokens the prompt cache grows."""
        super().__init__(host=host, port=port)
        self.settings = settings
        self.models = settings.models
        self._cache = PrefixCache(100_000, block=cache_block)
        self._sleep = sleep

    async def paced(self, parts: Sequence[bytes]) -> AsyncIterator[bytes]:
        """The parts of a stream, one for each token's time."""
        await self._sleep(self.settings.first_token)
        for part in parts:
            yield part
            await self._sleep(1 / self.settings.tokens_per_second)

    async def think(self, tokens: int) -> None:
        """The time an unstreamed answer of this many tokens takes."""
        await self._sleep(self.settings.first_token + tokens / self.settings.tokens_per_second)
