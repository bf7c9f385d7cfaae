"""Windows of UTC: where they begin and end, whatever the moment."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.metering.budgets.calendar import Calendar

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001  # made aware


def windows(at: datetime, calendar: Calendar | None = None):
    return (calendar or Calendar()).windows(int(at.timestamp()) * 10**9)


def test_a_day_and_a_month_end_at_midnight_utc():
    found = windows(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert (found["minute"].name, found["day"].name, found["month"].name) == (
        "2026-12-31T23:59",
        "2026-12-31",
        "2026-12",
    )
    turn = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 1000
    assert {found[period].until for period in ("minute", "day", "month")} == {turn}
    assert found["none"].until == 0


@given(moments)
def test_every_moment_lies_in_its_windows(at: datetime):
    now = int(at.timestamp()) * 1000
    for period, window in windows(at).items():
        if period != "none":
            assert window.since <= now < window.until


@given(moments)
def test_windows_follow_each_other(at: datetime):
    calendar = Calendar()
    for period in ("minute", "day", "month"):
        window = windows(at, calendar)[period]
        following = windows(datetime.fromtimestamp(window.until // 1000, UTC), calendar)[period]
        assert following.since == window.until
        assert following.name > window.name


def test_the_same_minute_is_worked_out_once():
    calendar = Calendar()
    at = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    first = windows(at, calendar)
    assert windows(at + timedelta(seconds=59), calendar) is first
    assert windows(at + timedelta(seconds=60), calendar) is not first
