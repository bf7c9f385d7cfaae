"""Two gateways before one Redis, each with stand-in engines of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.redises import RealRedis, running_redis
from tests.integration.sandboxed import POLICY, Sandboxed


@contextmanager
def two_gateways(
    folder: Path, policy: str = POLICY, when_gone: str = ""
) -> Iterator[tuple[RealRedis, Sandboxed, Sandboxed]]:
    """`when_gone`: what becomes of requests without Redis, as YAML. All of it has ended afterwards."""
    weirs: list[Sandboxed] = []
    with running_redis(folder) as redis:
        state = f"state: {{redis: '{redis.url}'{f', when_gone: {when_gone}' if when_gone else ''}}}"
        try:
            for name in ("one", "two"):
                (folder / name).mkdir()
                weirs.append(Sandboxed(folder / name, f"{policy}\n{state}\n"))
            yield redis, weirs[0], weirs[1]
        finally:
            for each in weirs:
                each.stop()
