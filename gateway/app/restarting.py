"""Which settings a reload cannot take over, because they are what the process was started with."""

from typing import Final

from gateway.configuration.settings import ServerSettings
from gateway.configuration.snapshot import Snapshot

_FIXED: Final = (
    "host", "port", "metrics.host", "metrics.port", "header_timeout", "shutdown_grace", "log_level", "ledger",
    "keep_rows", "full_disk",
)  # fmt: skip


def waiting(started: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """What of the new configuration waits for the next start, in a sentence each."""
    names = [f"server.{name}" for name in _FIXED if _value(started.server, name) != _value(now.server, name)]
    if started.state.redis != now.state.redis:
        names.append("state.redis")
    return tuple(f"`{name}` has changed: that takes effect when Weir is started again" for name in names)


def _value(server: ServerSettings, name: str) -> object:
    group, _, inner = name.partition(".")
    value: object = getattr(server, group)
    return getattr(value, inner) if inner else value
