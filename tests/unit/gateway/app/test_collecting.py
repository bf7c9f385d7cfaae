"""The cycle collector's rhythm: what is young once a minute, all twice an hour, and only in quiet while that can be."""

from itertools import pairwise

from gateway.app.collecting import Rhythm


def collected(rhythm: Rhythm, seconds: int, *, busy: bool) -> list[tuple[int, int]]:
    """(second, oldest generation) of each collection."""
    asked = ((second, rhythm.second(busy=busy)) for second in range(1, seconds + 1))
    return [(second, generation) for second, generation in asked if generation is not None]


def test_in_quiet_what_is_young_goes_each_minute_and_all_twice_an_hour() -> None:
    found = collected(Rhythm(), 7200, busy=False)
    assert {later - earlier for (earlier, _), (later, _) in pairwise(found)} == {60}
    assert [second for second, generation in found if generation == 2] == [1800, 3600, 5400, 7200]


def test_while_it_is_busy_it_waits_an_hour() -> None:
    assert collected(Rhythm(), 7200, busy=True) == [(3600, 2), (7200, 2)]


def test_it_catches_up_when_it_is_quiet_again() -> None:
    rhythm = Rhythm()
    assert collected(rhythm, 100, busy=True) == []
    assert rhythm.second(busy=False) == 1
    assert collected(rhythm, 2000, busy=True) == []
    assert rhythm.second(busy=False) == 2
    assert rhythm.second(busy=False) is None
