"""How every connection to Redis is made: with little patience, as a request waits for it."""

from typing import Any, Final

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

PATIENCE: Final = 0.5  # seconds Redis may take


def options() -> dict[str, Any]:
    """What redis-py's connections take."""
    return {
        "socket_timeout": PATIENCE,
        "socket_connect_timeout": PATIENCE,
        "retry": Retry(NoBackoff(), 1, (RedisConnectionError,)),  # it may have closed an idle connection
        "client_name": "weir",
    }
