"""Databases of older Weirs get what they lack; what is of a newer one, or no database, is left alone and named."""

from contextlib import closing

import pytest

from gateway.ledger.store import StoreUnfit
from gateway.ledger.stores import open_store
from gateway.ledger.sums import ANSWERED, SPENT_BY_KEY
from gateway.ledger.verify import verify_store
from tests.integration.ledger.stored import ALWAYS, change, shipped


def test_tables_of_another_version_are_left_alone(name, journal):
    shipped(name, journal).close()
    change(name, "UPDATE weir_schema SET version = 99")
    with pytest.raises(StoreUnfit, match="version 99"):
        open_store(name)


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_text("this is no database, " * 100)
    with pytest.raises(StoreUnfit, match="not a database"):
        open_store(path)


def test_tables_of_an_older_version_get_what_they_lack(name, journal):
    shipped(name, journal).close()
    change(name, "ALTER TABLE attempts DROP COLUMN service_tier")
    change(name, "DROP TABLE reratings")
    change(name, "DROP TABLE gpu_windows")
    change(name, "ALTER TABLE gpu_bookings DROP COLUMN output_tokens")
    change(name, "DROP TABLE pruned")
    change(name, "UPDATE weir_schema SET version = 1")
    with closing(open_store(name)) as store:
        assert verify_store(store, journal.id).faults == ()
        assert list(store.records("rerating", *ALWAYS)) == []
        assert store.pruned(journal.id) is None


def test_an_older_versions_outcomes_get_their_name(name, journal):
    shipped(name, journal).close()
    change(name, "UPDATE hourly_requests SET outcome = '' WHERE outcome = 'ok'")  # as version 3 had it
    change(name, "UPDATE weir_schema SET version = 3")
    with closing(open_store(name)) as store:
        found = {each.by: each.requests for each in store.sums(ANSWERED, ["outcome"], *ALWAYS)}
    assert found == {("failed",): 30, ("ok",): 120}


def test_an_older_versions_keys_get_their_sums(name, journal):
    with closing(shipped(name, journal)) as store:
        before = store.sums(SPENT_BY_KEY, ["hour", "tenant", "key"], *ALWAYS)
    assert sum(each.requests for each in before) == 150
    assert sum(each.usd for each in before) > 0
    assert sum(each.unpriced for each in before) > 0
    change(name, "DROP TABLE hourly_keys")  # as version 7 had it
    change(name, "UPDATE weir_schema SET version = 7")
    with closing(open_store(name)) as store:
        assert store.sums(SPENT_BY_KEY, ["hour", "tenant", "key"], *ALWAYS) == before
