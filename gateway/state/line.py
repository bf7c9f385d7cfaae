"""The line to Redis for what a request waits for: short patience, and a pause after each failure."""

import time
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from gateway.state import shared_options
from gateway.state.claims import Gone

_PAUSE: Final = 0.25  # seconds after a failure in which it is not asked
_CONNECTIONS: Final = 8


class Line:
    """Connections to one Redis, opened as they are needed."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=shared_options.PATIENCE,
                **shared_options.options(),
            )
        )
        self._ask_again = 0.0  # monotonic seconds

    async def ask(self, script: str, keys: tuple[str, ...], *arguments: str | int) -> Any:
        """What a script answers. Raises Gone."""
        return await self.run("EVAL", script, len(keys), *keys, *arguments)

    async def run(self, *command: str | int | bytes) -> Any:
        """What a command answers. Raises Gone."""
        if time.monotonic() < self._ask_again:
            raise Gone("Redis failed a moment ago")
        try:
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's
        except (RedisError, OSError) as error:
            self._ask_again = time.monotonic() + _PAUSE
            raise Gone(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close what is open."""
        await self._redis.aclose()
