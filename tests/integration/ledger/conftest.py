"""A database of each kind, real ones, and a journal with records to ship."""

import pytest

from gateway.ledger.journal import Journal
from tests.integration.ledger.stored import records_of
from tests.integration.postgreses import running_postgres


@pytest.fixture(scope="session")
def postgres():
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def name(request, tmp_path):
    """A store to open, of each kind."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "ledger.journal", segment_bytes=20_000)
    for i in range(150):
        journal.append(*records_of(i))
    journal.flush()
    yield journal
    if not journal._stopped:
        journal.close()
