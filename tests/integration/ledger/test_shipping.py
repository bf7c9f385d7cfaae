"""Gateways ship into one real PostgreSQL exactly once, whatever becomes of it or of their connections, and those that
count by themselves keep apart."""

import threading
from contextlib import closing
from decimal import Decimal

import pytest

from gateway.ledger.ledger import DatabaseTaken, Ledger
from gateway.ledger.store import StoreUnavailable
from gateway.ledger.stores import open_store
from gateway.ledger.sums import SPENT
from gateway.ledger.verify import verify_store
from tests.integration.ledger.stored import ALWAYS, change, records_of
from tests.integration.waiting import until


def test_an_unreachable_server_is_a_passing_state_and_keeps_the_password():
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(StoreUnavailable) as raised:
        open_store("postgresql://weir:s3cr3t-word@127.0.0.1:1/weir")
    assert "s3cr3t-word" not in str(raised.value)
    with pytest.raises(StoreUnavailable) as raised:
        open_store("postgresql://weir:s3cr3t@word@127.0.0.1:1/weir")  # as pasted, not escaped
    assert "word" not in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


def test_a_long_query_holds_up_no_shipment_into_a_new_day(postgres, tmp_path):
    url = postgres.fresh()
    ledger = Ledger.open(url, tmp_path / "journal")
    ledger.append(*records_of(0))
    until(lambda: ledger.lag_seconds() == 0)
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url, options="-c search_path=weir") as reader:
        reader.execute("SELECT count(*) FROM attempts, requests, gpu_bookings")  # its transaction stays open
        ledger.append(*records_of(149))  # two days later
        assert ledger.close(60)


def test_gateways_ship_at_once_into_one_database(postgres, tmp_path):
    url = postgres.fresh()
    ledgers = [Ledger.open(url, tmp_path / f"journal-{n}") for n in range(3)]

    def book(ledger):
        for i in range(300):
            ledger.append(*records_of(i))

    threads = [threading.Thread(target=book, args=(ledger,)) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ledger.close(60) for ledger in ledgers)
    with closing(open_store(url)) as store:
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 900
        assert store.sums(SPENT, [], *ALWAYS)[0].usd == 3 * sum(
            records_of(i)[1].usd or Decimal(0) for i in range(300)
        )
        assert len(store.journals()) == 3
        assert all(verify_store(store, journal).faults == () for journal in store.journals())


def test_a_database_that_goes_away_and_comes_back_loses_and_doubles_nothing(postgres, tmp_path):
    url = postgres.fresh()
    ledger = Ledger.open(url, tmp_path / "journal")
    for i in range(100):
        ledger.append(*records_of(i))
    postgres.stop()
    try:
        for i in range(100, 200):
            assert ledger.append(*records_of(i))
    finally:
        postgres.start()
    for i in range(200, 300):
        ledger.append(*records_of(i))
    assert ledger.close(60)
    with closing(open_store(url)) as store:
        assert [record.id for record in store.records("request", *ALWAYS)] == [f"r{i}" for i in range(300)]
        assert verify_store(store, store.journals()[0]).faults == ()


def test_connections_cut_while_shipping_lose_and_double_nothing(postgres, tmp_path):
    url = postgres.fresh()
    ledger = Ledger.open(url, tmp_path / "journal")
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'weir' AND datname = current_database()"
    )
    for i in range(600):
        ledger.append(*records_of(i))
        if i % 100 == 50:
            change(url, cut)
    assert ledger.close(60)
    with closing(open_store(url)) as store:
        assert len(list(store.records("request", *ALWAYS))) == 600
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 600


def test_two_processes_do_not_ship_one_journal(postgres, journal):
    url = postgres.fresh()
    with closing(open_store(url)) as first, closing(open_store(url)) as second:
        first.claim(journal.id, alone=False)
        with pytest.raises(StoreUnavailable, match="another process ships this gateway's journal"):
            second.claim(journal.id, alone=False)
        second.claim("another", alone=False)  # a gateway of its own
    with closing(open_store(url)) as store:
        store.claim(journal.id, alone=False)


def test_gateways_that_count_by_themselves_need_a_database_of_their_own(postgres, tmp_path):
    url = postgres.fresh()
    shared = [Ledger.open(url, tmp_path / f"shared{number}.journal") for number in range(2)]
    for number, ledger in enumerate(shared):
        ledger.append(*records_of(number))
        ledger.refuse_beside_another()  # those that count in Redis stand beside each other
    until(lambda: all(ledger.lag_seconds() == 0 for ledger in shared))
    lone = Ledger.open(url, tmp_path / "lone.journal", alone=True)
    lone.append(*records_of(2))
    with pytest.raises(DatabaseTaken, match=r"another gateway \(journal [0-9a-f]{16}, from this machine\)"):
        lone.refuse_beside_another()
    until(lambda: "set `state.redis` for all of them" in lone.trouble)  # nor does it ship
    assert all(ledger.close(60) for ledger in shared)
    until(lambda: lone.lag_seconds() == 0)  # its rows waited for that
    with closing(open_store(url)) as store:
        assert len(list(store.records("request", *ALWAYS))) == 3
        assert len(store.journals()) == 3
    beside = Ledger.open(url, tmp_path / "beside.journal")
    with pytest.raises(DatabaseTaken):
        beside.refuse_beside_another()
    assert lone.close(60)
    beside.refuse_beside_another()
    assert beside.close(60)
