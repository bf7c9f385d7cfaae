"""A client's trace is continued if it is one; ids follow from the request's."""

import pytest

from gateway.metering.otlp.identity import continued, span_of, trace_of, traceparent

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (GOOD, GOOD),
        ("cc" + GOOD[2:] + "-more", "cc" + GOOD[2:]),  # a later version's first four fields are understood
        ("ff" + GOOD[2:], ""),
        ("00-" + "0" * 32 + GOOD[35:], ""),
        (GOOD[:36] + "0" * 16 + "-01", ""),
        (GOOD.upper(), ""),
        (GOOD + "\n", ""),
        ("", ""),
    ],
)
def test_only_a_traceparent_is_kept(said: str, kept: str) -> None:
    assert continued(said) == kept


def test_a_trace_goes_on() -> None:
    trace = trace_of("r1", GOOD)
    assert (trace.id.hex(), trace.parent.hex(), trace.sampled) == (GOOD[3:35], GOOD[36:52], True)
    assert not trace_of("r1", GOOD[:-1] + "0").sampled
    told = traceparent("r1", GOOD, "r1/2").decode()
    assert told == f"00-{GOOD[3:35]}-{span_of('r1/2').hex()}-01"
    assert continued(told) == told


def test_without_one_a_trace_begins_that_is_the_requests_own() -> None:
    assert trace_of("r1", "") == trace_of("r1", "") != trace_of("r2", "")
    assert trace_of("r1", "").parent == b""
