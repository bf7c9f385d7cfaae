"""A record survives line, row and back, to the byte."""

from datetime import date
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.ledger.encoding import SHAPES, encoded
from gateway.ledger.reading import parse_line
from gateway.ledger.records import AttemptRecord, GpuBooking, RequestRecord
from gateway.ledger.schema import decoded_after

texts = st.text(max_size=12)
money = st.none() | st.decimals(-1000, 1000, allow_nan=False, places=15)
counts = st.integers(0, 2**40)
usages = st.builds(
    TokenUsage,
    input=counts,
    cache_read=counts,
    output=counts,
    reasoning=counts,
    source=st.sampled_from(["reported", "estimated", "unknown"]),
)
requests = st.builds(
    RequestRecord,
    id=texts,
    at=counts,
    tenant=texts,
    workflow=texts,
    stream=st.booleans(),
    types=st.dictionaries(texts, counts, max_size=3),
    rules=st.lists(texts, max_size=3).map(tuple),
    dropped=st.dictionaries(texts, texts, max_size=3),
    complexity=st.none() | st.floats(0, 1),
    usage=usages,
    usd=money,
    priced_at=st.none() | st.dates(),
    gpu_ns=st.none() | counts,
)
attempts = st.builds(
    AttemptRecord,
    id=texts,
    request=texts,
    n=st.integers(1, 9),
    at=counts,
    tenant=texts,
    sent=st.booleans(),
    usage=usages,
    usd=money,
    components=st.dictionaries(st.sampled_from(["tokens", "gpu"]), st.decimals(0, 9, places=12)),
)
bookings = st.builds(
    GpuBooking,
    id=texts,
    at=counts,
    window=counts,
    window_ns=counts,
    backend=texts,
    replica=texts,
    use=st.sampled_from(["request", "idle"]),
    gpu_ns=st.integers(-(2**40), 2**40),
    correction=st.booleans(),
    usd=money,
)


@settings(deadline=None)  # a busy machine is no fault
@given(requests | attempts | bookings)
def test_a_record_read_back_from_a_row_encodes_to_the_same_bytes(record):
    kind, body = encoded(record)
    shape = SHAPES[kind]
    again = shape.decode(shape.row(orjson.loads(body)))
    assert shape.encode(again) == body


def test_every_field_comes_back_as_it_was():
    record = AttemptRecord(
        id="r/1",
        request="r",
        n=1,
        at=1_700_000_000_000_000_000,
        tenant="acme",
        sent=False,
        usage=TokenUsage(input=3, cache_read=4, audio_out=1, source="reported"),
        usd=Decimal("0.00000012500"),
        components={"tokens": Decimal("0.00000012500")},
        priced_at=date(2026, 11, 21),
    )
    kind, body = encoded(record)
    assert SHAPES[kind].decode(SHAPES[kind].row(orjson.loads(body))) == record


def test_fields_at_their_default_are_left_out_of_the_line():
    _, body = encoded(RequestRecord(id="r", at=5, tenant="t"))
    assert orjson.loads(body) == {"id": "r", "at": 5, "tenant": "t"}


def test_money_is_written_in_digits_never_as_a_binary_number():
    _, body = encoded(RequestRecord(id="r", at=5, tenant="t", usd=Decimal("1E-7")))
    assert b'"usd":"0.0000001"' in body


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_no_database_takes_is_mended(text):
    _, body = encoded(RequestRecord(id="r", at=5, tenant="t", asked=text, types={text: 1}))
    members = orjson.loads(body)
    assert "\x00" not in members["asked"]
    assert members["asked"].startswith("a")
    assert members["asked"].endswith("b")


def test_a_giant_number_of_a_provider_is_capped_not_refused():
    kind, body = encoded(RequestRecord(id="r", at=5, tenant="t", usage=TokenUsage(input=10**30)))
    assert orjson.loads(body)["input_tokens"] == 2**63 - 1
    kind, body = encoded(RequestRecord(id="r", at=5, tenant="t", usage=TokenUsage(input=2**63)))
    row = dict(zip(SHAPES[kind].names, SHAPES[kind].row(orjson.loads(body)), strict=True))
    assert row["input_tokens"] == 2**63 - 1


def test_no_field_can_hold_a_prompt():
    names = {name for shape in SHAPES.values() for name in shape.names}
    assert not names & {"prompt", "messages", "content", "answer", "text", "values", "findings"}


def test_an_export_holds_every_field():
    shape = SHAPES["gpu"]
    record = GpuBooking(id="g", at=1, window=0, window_ns=1, backend="b", replica="r", use="idle", gpu_ns=4)
    assert set(orjson.loads(shape.whole(record))) == set(shape.names)


def test_what_a_newer_weir_wrote_is_not_shortened_in_silence():
    with pytest.raises(ValueError, match="newer Weir wrote: mood"):
        SHAPES["request"].row({"id": "r", "at": 1, "tenant": "t", "mood": "good"})
    with pytest.raises(ValueError, match="'mood' record"):
        decoded_after(0, [parse_line(b'{"n":1,"digest":"ab","kind":"mood","record":{}}')])
