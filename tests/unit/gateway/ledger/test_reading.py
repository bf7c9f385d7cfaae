"""Lines are read once each, in order, across segments and as they come."""

import pytest

from gateway.ledger.journal import Journal
from gateway.ledger.reading import Reader, parse_line, segments
from gateway.ledger.records import RequestRecord


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal", segment_bytes=1_000)
    yield journal
    journal.close()


def write(journal, count):
    for _ in range(count):
        journal.append(RequestRecord(id=f"r{journal.last + 1}", at=1, tenant="acme"))


def numbers(lines):
    return [line.number for line in lines]


@pytest.mark.parametrize("after", [0, 1, 5, 6, 7, 17, 39])
def test_reading_begins_behind_any_line(journal, after):
    write(journal, 40)
    assert len(segments(journal.directory)) > 3
    assert numbers(Reader(journal.directory, after).read(40, 100)) == list(range(after + 1, 41))


def test_reading_stops_at_the_line_named_and_goes_on_from_there(journal):
    write(journal, 40)
    reader = Reader(journal.directory)
    assert numbers(reader.read(33, 20)) == list(range(1, 21))
    assert numbers(reader.read(33, 20)) == list(range(21, 34))
    assert reader.read(33, 20) == []
    assert numbers(reader.read(40, 20)) == list(range(34, 41))


def test_reading_follows_the_writer(journal):
    reader = Reader(journal.directory)
    assert reader.read(journal.last, 10) == []
    seen = []
    for _ in range(30):
        write(journal, 3)
        seen += numbers(reader.read(journal.last, 10))
    assert seen == list(range(1, 91))


def test_reading_does_not_begin_again_at_a_segment_s_start(journal, monkeypatch):
    write(journal, 40)
    reader = Reader(journal.directory)
    reader.read(40, 100)
    parsed = []
    monkeypatch.setattr(
        "gateway.ledger.reading.parse_line", lambda text: parsed.append(1) or parse_line(text)
    )
    write(journal, 1)
    reader.read(41, 100)
    assert len(parsed) == 1


def test_lines_that_are_gone_are_passed_by(journal):
    write(journal, 40)
    oldest, following = segments(journal.directory)[:2]
    oldest.unlink()
    assert numbers(Reader(journal.directory).read(40, 100))[0] == int(following.stem)


def test_an_unfinished_line_is_not_read(journal):
    write(journal, 2)
    with segments(journal.directory)[-1].open("ab") as file:
        file.write(b'{"n":3,"digest":"a')
    assert numbers(Reader(journal.directory).read(3, 10)) == [1, 2]
