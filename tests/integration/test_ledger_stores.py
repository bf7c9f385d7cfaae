"""The ledger's databases, real ones: exactly once, exact money, and nothing changed unseen."""

import sqlite3
import threading
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.chat import TokenUsage
from gateway.ledger.encoding import from_members, members
from gateway.ledger.journal import Journal
from gateway.ledger.ledger import DatabaseTaken, Ledger
from gateway.ledger.reading import Reader, segments
from gateway.ledger.records import (
    AttemptRecord,
    AwaitedRecord,
    GpuBooking,
    RequestRecord,
    Rerating,
    attempt_id,
)
from gateway.ledger.retention import Unsound, prune
from gateway.ledger.schema import ROLLUPS, TABLES
from gateway.ledger.store import StoreUnavailable, StoreUnfit
from gateway.ledger.stores import open_store
from gateway.ledger.sums import ANSWERED, GPU_TIME, RERATED, SPENT, SPENT_BY_KEY
from gateway.ledger.verify import compare, verify_journal, verify_store
from tests.integration.postgreses import running_postgres
from tests.integration.waiting import until

DAY = 86_400 * 10**9
MIDNIGHT = 20_000 * DAY  # some midnight, UTC
ALWAYS = (0, 30_000 * DAY)


@pytest.fixture(scope="module")
def postgres():
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def name(request, tmp_path):
    """A store to open, of each kind."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return request.getfixturevalue("postgres").fresh()


def change(name, statement):
    """Ask or meddle with the database behind the ledger's back."""
    if isinstance(name, Path):
        with closing(sqlite3.connect(name, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(name, autocommit=True, options="-c search_path=weir") as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def records_of(i):
    """One request's records, different from every other's."""
    usage = TokenUsage(input=100 + i, cache_read=i, output=7, reasoning=i % 3, source="reported")
    usd = None if i % 10 == 0 else Decimal(i).scaleb(-9) + Decimal("0.000000125")
    at = MIDNIGHT + i * 1_234_567_890_123
    common = {
        "at": at,
        "tenant": f"tenant-{i % 3}",
        "workflow": "invoices" if i % 2 else "",
        "route": f"route-{i % 4}",
        "model": "gpt-5",
        "backend": "openai",
        "zone": "us",
        "usage": usage,
        "usd": usd,
        "price_source": "test",
        "priced_at": date(2026, 1, 1 + i % 28),
    }
    request = RequestRecord(
        id=f"r{i}",
        types={"EMAIL_ADDRESS": i},
        rules=("a", "b"),
        dropped={"llama": "its zone lies outside · „quoted“ \n\t\\N"},
        complexity=i / 7,
        outcome="ok" if i % 5 else "failed",
        stream=bool(i % 2),
        key=f"key-{i % 2}",
        attempts=1,
        gpu_ns=i * 1000,
        **common,
    )
    attempt = AttemptRecord(
        id=attempt_id(f"r{i}", 1),
        request=f"r{i}",
        n=1,
        components={} if usd is None else {"tokens": usd},
        gpu_ns=i * 1000,
        **common,
    )
    booking = GpuBooking(
        id=f"g{i}",
        at=at,
        window=at // 10**9 * 10**9,
        window_ns=10**9,
        backend="gpu-a",
        replica="http://127.0.0.1:8000",
        use="request",
        gpu_ns=-i if i % 6 == 0 else i,
        correction=i % 6 == 0,
        usd=Decimal("0.000000000000001"),
    )
    return request, attempt, booking


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "ledger.journal", segment_bytes=20_000)
    for i in range(150):
        journal.append(*records_of(i))
    journal.flush()
    yield journal
    if not journal._stopped:
        journal.close()


def shipped(name, journal, batch=97):
    store = open_store(name)
    lines = Reader(journal.directory).read(journal.last, 10_000)
    for i in range(0, len(lines), batch):
        store.ship(journal.id, lines[i : i + batch])
    return store


def test_every_field_of_every_record_comes_back_as_it_was(name, journal):
    with closing(shipped(name, journal)) as store:
        for place, kind in enumerate(("request", "attempt", "gpu")):
            assert list(store.records(kind, *ALWAYS)) == [records_of(i)[place] for i in range(150)]


def test_records_are_found_by_a_field_and_a_span(name, journal):
    with closing(shipped(name, journal)) as store:
        request, attempt, _ = records_of(7)
        assert store.matching("request", "id", "r7", *ALWAYS) == [request]
        assert store.matching("attempt", "request", "r7", attempt.at, attempt.at + 1) == [attempt]
        assert store.matching("attempt", "request", "r7", attempt.at + 1, attempt.at + 2) == []
        assert store.matching("request", "id", "r7' OR 1=1 --", *ALWAYS) == []


def test_shipping_again_or_overlapping_adds_nothing(name, journal):
    with closing(shipped(name, journal)) as store:
        before = store.sums(SPENT, ["tenant"], *ALWAYS)
        lines = Reader(journal.directory).read(journal.last, 10_000)
        store.ship(journal.id, lines)
        store.ship(journal.id, lines[100:200])
        journal.append(*records_of(150))
        journal.flush()
        store.ship(journal.id, Reader(journal.directory, 200).read(journal.last, 10_000))
        assert len(list(store.records("attempt", *ALWAYS))) == 151
        assert sum(spend.attempts for spend in store.sums(SPENT, ["tenant"], *ALWAYS)) == 151
        assert sum(spend.attempts for spend in before) == 150
        assert store.cursor(journal.id).number == journal.last


@pytest.mark.parametrize(
    "by", [(), ("tenant",), ("day",), ("hour", "route"), ("workflow", "model", "backend", "zone")]
)
def test_sums_are_exact_however_they_are_grouped(name, journal, by):
    attempts = [records_of(i)[1] for i in range(150)]
    with closing(shipped(name, journal)) as store:
        found = store.sums(SPENT, by, *ALWAYS)
    assert sum(spend.usd for spend in found) == sum(attempt.usd or Decimal(0) for attempt in attempts)
    assert sum(spend.unpriced for spend in found) == 15
    assert sum(spend.input_tokens for spend in found) == sum(attempt.usage.input for attempt in attempts)
    assert sum(spend.cached_tokens for spend in found) == sum(
        attempt.usage.cache_read for attempt in attempts
    )
    assert sum(spend.output_tokens for spend in found) == sum(attempt.usage.generated for attempt in attempts)
    assert sum(spend.gpu_ns for spend in found) == sum(attempt.gpu_ns for attempt in attempts)
    assert [spend.by for spend in found] == sorted({spend.by for spend in found})


def test_gpu_time_is_summed_with_its_corrections(name, journal):
    bookings = [records_of(i)[2] for i in range(150)]
    with closing(shipped(name, journal)) as store:
        (found,) = store.sums(GPU_TIME, ["backend", "use"], *ALWAYS)
    assert found.by == ("gpu-a", "request")
    assert found.gpu_ns == sum(booking.gpu_ns for booking in bookings)
    assert found.usd == Decimal("0.000000000000150")


def test_days_are_named_and_ends_are_kept(name, journal):
    with closing(shipped(name, journal)) as store:
        found = store.sums(SPENT, ["day"], MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
        assert [spend.by for spend in found] == [("2024-10-05",)]
        within = [i for i in range(150) if DAY <= i * 1_234_567_890_123 < 2 * DAY]
        assert found[0].attempts == len(within)
        assert store.sums(SPENT, ["day"], 0, MIDNIGHT) == []
        assert store.sums(SPENT, [], 0, MIDNIGHT) == []


def test_every_hourly_table_holds_the_sums_of_its_rows(name, journal):
    shipped(name, journal).close()
    for rollup in ROLLUPS[:4]:  # test_ledger_actions.py fills the others
        whole = change(name, f"SELECT count(*) FROM {TABLES[rollup.kind]}")[0][0]  # noqa: S608  # names of our own
        assert whole == 150
        for total in rollup.sums:
            if total.name in {"gpu_ns", "duration_ns"}:
                rows = change(name, f"SELECT sum({total.name}) FROM {TABLES[rollup.kind]}")  # noqa: S608  # names of our own
                assert change(name, f"SELECT sum({total.name}) FROM {rollup.table}") == rows  # noqa: S608  # names of our own


def test_an_untouched_ledger_verifies(name, journal):
    with closing(shipped(name, journal)) as store:
        whole = verify_store(store, journal.id, seek=journal.head)
        assert (whole.lines, whole.head, whole.faults, whole.met) == (450, journal.head, (), True)
        assert verify_journal(journal.directory).head == journal.head
        assert compare(store, journal.directory).faults == ()
        assert not verify_store(store, journal.id, seek="of another chain").met


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE attempts SET usd = '0.5' WHERE id = 'r7/1'",
        "UPDATE attempts SET tenant = 'someone-else' WHERE id = 'r7/1'",
        "UPDATE requests SET outcome = 'ok' WHERE id = 'r5'",
        "DELETE FROM attempts WHERE id = 'r7/1'",
        "DELETE FROM gpu_bookings WHERE id = 'g149'",  # the last line of all
        "UPDATE attempts SET line = 1000 WHERE id = 'r149/1'",
    ],
)
def test_a_row_changed_or_removed_is_seen(name, journal, statement):
    shipped(name, journal).close()
    change(name, statement)
    with closing(open_store(name)) as store:
        assert verify_store(store, journal.id).faults
        assert compare(store, journal.directory).faults


def test_after_the_oldest_segments_are_gone_the_rest_still_compares(name, journal):
    with closing(shipped(name, journal)) as store:
        for path in segments(journal.directory)[:2]:
            path.unlink()
        assert compare(store, journal.directory).faults == ()
        assert verify_journal(journal.directory).faults == ()


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


def test_an_unreachable_server_is_a_passing_state_and_keeps_the_password():
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(StoreUnavailable) as raised:
        open_store("postgresql://weir:s3cr3t-word@127.0.0.1:1/weir")
    assert "s3cr3t-word" not in str(raised.value)
    with pytest.raises(StoreUnavailable) as raised:
        open_store("postgresql://weir:s3cr3t@word@127.0.0.1:1/weir")  # as pasted, not escaped
    assert "word" not in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


def test_rows_are_partitioned_by_their_day(postgres, journal):
    url = postgres.fresh()
    shipped(url, journal).close()
    found = change(url, "SELECT relname FROM pg_class WHERE relname LIKE 'attempts\\_2%' AND relkind = 'r'")
    assert sorted(found) == [("attempts_20241004",), ("attempts_20241005",), ("attempts_20241006",)]
    assert change(url, "SELECT count(*) FROM attempts_20241005")[0][0] == sum(
        DAY <= i * 1_234_567_890_123 < 2 * DAY for i in range(150)
    )


def test_a_long_query_holds_up_no_shipment_into_a_new_day(postgres, tmp_path):
    url = postgres.fresh()
    ledger = Ledger.open(url, tmp_path / "journal")
    ledger.append(*records_of(0))
    while ledger.lag_seconds():
        threading.Event().wait(0.01)
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url, options="-c search_path=weir") as reader:
        reader.execute("SELECT count(*) FROM attempts, requests, gpu_bookings")  # its transaction stays open
        ledger.append(*records_of(149))  # two days later
        assert ledger.close(20)


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


def test_checkpoints_tell_roughly_where_a_row_was_changed(name, journal, monkeypatch):
    monkeypatch.setattr("gateway.ledger.store.CHECKPOINT_EVERY", 100)
    with closing(shipped(name, journal)) as store:
        ends = [checkpoint.number for checkpoint in store.checkpoints(journal.id)]
        assert ends == [194, 291, 388, 450]  # shipments end at multiples of 97
    change(name, "UPDATE attempts SET tenant = 'x' WHERE id = 'r70/1'")
    with closing(open_store(name)) as store:
        assert verify_store(store, journal.id).faults == (
            "the rows of lines 195 to 291 are not as they were shipped",
        )


def test_a_ledger_that_is_being_written_verifies(name, tmp_path):
    ledger = Ledger.open(name, tmp_path / "busy.journal")
    done = threading.Event()

    def book():
        i = 0
        while not done.wait(0.002):
            ledger.append(*records_of(i))
            i += 1

    thread = threading.Thread(target=book)
    thread.start()
    try:
        with closing(open_store(name)) as store:
            for _ in range(10):
                for journal in store.journals():
                    assert verify_store(store, journal).faults == ()
                assert compare(store, tmp_path / "busy.journal").faults == ()
    finally:
        done.set()
        thread.join()
        ledger.close(60)


def half_of_the_time(count=150):
    """A moment by which half of the records were made, and how many lines they have."""
    return MIDNIGHT + count // 2 * 1_234_567_890_123, count // 2 * 3


def test_old_rows_go_sums_stay_and_the_rest_can_be_verified(name, journal):
    before, lines = half_of_the_time()
    with closing(shipped(name, journal)) as store:
        sums = store.sums(SPENT, ["tenant"], *ALWAYS)
        assert prune(store, before) == lines
        assert [each.id for each in store.records("request", *ALWAYS)] == [f"r{i}" for i in range(75, 150)]
        assert store.sums(SPENT, ["tenant"], *ALWAYS) == sums
        verified = verify_store(store, journal.id)
        assert (verified.faults, verified.last, verified.head) == ((), journal.last, journal.head)
        assert compare(store, journal.directory).faults == ()
        assert prune(store, before) == 0
        journal.append(*records_of(150))
        journal.flush()
        store.ship(journal.id, Reader(journal.directory, 450).read(journal.last, 100))
        assert verify_store(store, journal.id).faults == ()
        assert prune(store, ALWAYS[1]) == 3 * 151 - lines
        assert verify_store(store, journal.id).faults == ()
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 151
    change(name, "DELETE FROM pruned")  # what nobody discarded by the rules is missing
    with closing(open_store(name)) as store:
        assert "missing" in verify_store(store, journal.id).faults[0]


def test_rows_that_were_meddled_with_are_kept_for_a_person_to_see(name, journal):
    before, _ = half_of_the_time()
    shipped(name, journal).close()
    change(name, "DELETE FROM attempts WHERE id = 'r7/1'")
    with closing(open_store(name)) as store:
        with pytest.raises(Unsound, match="lines 23 to 23"):
            prune(store, before)
        assert len(list(store.records("request", *ALWAYS))) == 150


def test_empty_days_are_dropped(postgres, journal):
    url = postgres.fresh()
    partitions = "SELECT count(*) FROM pg_class WHERE relname LIKE 'attempts_2%' AND relkind = 'r'"
    with closing(shipped(url, journal)) as store:
        assert change(url, partitions) == [(3,)]
        prune(store, MIDNIGHT + 2 * DAY)
        assert change(url, partitions) == [(1,)]
        store.ship(journal.id, Reader(journal.directory).read(journal.last, 10_000))


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
    assert all(ledger.close() for ledger in shared)
    until(lambda: lone.lag_seconds() == 0)  # its rows waited for that
    with closing(open_store(url)) as store:
        assert len(list(store.records("request", *ALWAYS))) == 3
        assert len(store.journals()) == 3
    beside = Ledger.open(url, tmp_path / "beside.journal")
    with pytest.raises(DatabaseTaken):
        beside.refuse_beside_another()
    assert lone.close()
    beside.refuse_beside_another()
    assert beside.close()


def test_a_ledger_with_a_retention_prunes_by_itself(name, tmp_path):
    with closing(Ledger.open(name, tmp_path / "own.journal")) as book:
        book.append(*records_of(1))  # they are months old, and shipped before the retention is first looked to
    kept = Ledger.open(name, tmp_path / "own.journal", keep_rows=3600.0)

    def gone():
        with closing(open_store(name)) as store:
            return not list(store.records("request", *ALWAYS))

    with closing(open_store(name)) as store:
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 1
    until(gone)
    assert kept.close()
    with closing(open_store(name)) as store:
        assert list(store.records("request", *ALWAYS)) == []
        assert store.sums(SPENT, [], *ALWAYS)[0].attempts == 1


def test_reratings_are_kept_beside_what_was_booked(name, journal):
    for number, (before, usd) in enumerate([(None, "2"), ("2", "1.5"), ("0.1", "0.3")]):
        was = None if before is None else Decimal(before)
        journal.append(
            Rerating(
                id=f"again-{number}",
                at=MIDNIGHT,
                tenant="t",
                of="gpu" if number == 2 else "attempt",
                booked="r1/1",
                made=number,
                usd=Decimal(usd),
                before=was,
                delta=Decimal(usd) - (was or 0),
                price_source="now",
                backend="b",
            )
        )
    journal.flush()
    with closing(shipped(name, journal)) as store:
        found = {each.by: (each.usd, each.priced) for each in store.sums(RERATED, ["of", "backend"], *ALWAYS)}
        assert found == {("attempt", "b"): (Decimal("1.5"), 1), ("gpu", "b"): (Decimal("0.2"), 0)}
        assert [each.usd for each in store.records("rerating", *ALWAYS)] == [
            2,
            Decimal("1.5"),
            Decimal("0.3"),
        ]
        assert verify_store(store, journal.id).faults == ()


def test_what_is_awaited_is_kept_as_it_was(name, journal):
    """Records within a record, with text that two databases could keep differently."""
    request = next(each for each in records_of(1) if isinstance(each, RequestRecord))
    attempt = next(each for each in records_of(1) if isinstance(each, AttemptRecord))
    awaited = AwaitedRecord(
        id="r1",
        at=MIDNIGHT,
        tenant="t",
        responses={"r1/1": "resp_\u00fc"},
        request=members(request),
        attempts=(members(attempt), {"usd": "0.10", "nested": {"a": [1, None]}}),
        held={"usd": 2**53, "gpu": 0, "tokens": 7},
    )
    journal.append(awaited)
    journal.flush()
    with closing(shipped(name, journal)) as store:
        assert list(store.records("awaited", *ALWAYS)) == [awaited]
        assert from_members("request", awaited.request) == request
        assert verify_store(store, journal.id).faults == ()
