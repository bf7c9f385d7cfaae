"""What comes out of the ledger's databases is what went in, once, found by its fields."""

from contextlib import closing
from decimal import Decimal

from gateway.ledger.encoding import from_members, members
from gateway.ledger.reading import Reader
from gateway.ledger.records import AttemptRecord, AwaitedRecord, RequestRecord, Rerating
from gateway.ledger.sums import RERATED, SPENT
from gateway.ledger.verify import verify_store
from tests.integration.ledger.stored import ALWAYS, DAY, MIDNIGHT, change, records_of, shipped


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


def test_rows_are_partitioned_by_their_day(postgres, journal):
    url = postgres.fresh()
    shipped(url, journal).close()
    found = change(url, "SELECT relname FROM pg_class WHERE relname LIKE 'attempts\\_2%' AND relkind = 'r'")
    assert sorted(found) == [("attempts_20241004",), ("attempts_20241005",), ("attempts_20241006",)]
    assert change(url, "SELECT count(*) FROM attempts_20241005")[0][0] == sum(
        DAY <= i * 1_234_567_890_123 < 2 * DAY for i in range(150)
    )


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
