"""Which database a name means."""

from pathlib import Path

from gateway.ledger.sqlite import SqliteStore
from gateway.ledger.store import Store, StoreUnfit


def open_store(name: Path | str) -> Store:
    """The store under a SQLite file's path or a `postgresql://` URL. Raises StoreUnavailable, StoreUnfit."""
    if isinstance(name, str) and name.startswith(("postgresql://", "postgres://")):
        try:
            from gateway.ledger.postgres import PostgresStore  # noqa: PLC0415  # its driver is an optional extra
        except ImportError:
            raise StoreUnfit(
                "the ledger's PostgreSQL driver is not installed: pip install 'weir-gateway[postgres]'"
            ) from None
        return PostgresStore(name)
    return SqliteStore(Path(name))
