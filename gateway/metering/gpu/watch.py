"""One replica as seen from outside: which time was watched, when it ran, what its counters counted."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import SECOND
from gateway.metering.gpu.pace import Pace
from gateway.metering.gpu.spans import Span, outside, overlap


@dataclass(frozen=True, slots=True)
class _Segment:
    """Between two pages: what was counted, or None where the counters started anew."""

    begin: int
    end: int
    counted: Counted | None


@dataclass(frozen=True, slots=True)
class _Sample:
    begin: int
    end: int
    busy: float


class Watch:
    """Readings in, spans and counts out.

    `gap_ns`: two samples further apart leave the time between them unwatched. `stall_ns`: an engine that says
    it runs but moves no counter for so long is idle (a gauge may stay up after its last request was aborted).
    """

    def __init__(
        self, gap_ns: int = 3 * SECOND, stall_ns: int = 10 * SECOND, keep_ns: int = 120 * SECOND
    ) -> None:
        self._gap = gap_ns
        self._stall = stall_ns
        self._keep = keep_ns
        self._page: Reading | None = None
        self._moved_ns = 0
        self._segments: deque[_Segment] = deque()
        self._samples: deque[_Sample] = deque()
        self.pace = Pace()
        self._rest_busy = 0.0  # the last share known of time outside own requests

    def add(self, reading: Reading) -> None:
        """A page or a light sample; older ones than the last are dropped."""
        if self._samples and reading.asked_ns < self._samples[-1].begin:
            return
        self.pace.saw(sum(engine.running for engine in reading.engines), reading.busy)
        if reading.counters:
            self._count(reading)
        stalled = reading.busy > 0 and self._page is not None and reading.at_ns - self._moved_ns > self._stall
        self._samples.append(_Sample(reading.asked_ns, reading.answered_ns, 0.0 if stalled else reading.busy))
        self._forget(reading.at_ns - self._keep)

    @property
    def queued(self) -> bool:
        """Whether requests waited for their turn when the last page was read."""
        return self._page is not None and any(engine.waiting > 0 for engine in self._page.engines)

    def counted_until(self) -> int:
        """The time up to which counters are known (monotonic ns); 0 before the first page."""
        return self._page.at_ns if self._page else 0

    def counted(self, begin: int, end: int) -> Counted | None:
        """What the engines counted in [begin, end], evenly spread between pages; None where unknown."""
        total, known = Counted(), 0
        for segment in self._segments:
            both = min(segment.end, end) - max(segment.begin, begin)
            if both <= 0:
                continue
            if segment.counted is None:
                return None
            known += both
            total = total.plus(segment.counted, both / (segment.end - segment.begin))
        return total if 2 * known >= end - begin else None

    def rest(self, begin: int, end: int, own: Sequence[Span]) -> tuple[int, int]:
        """(busy, unobserved) of the time in [begin, end] outside own requests, ns."""
        rest = outside(begin, end, own)
        watched = overlap(rest, self._watched(begin, end))
        seen = [
            sample.busy
            for sample in self._around(begin, end)
            if begin <= sample.begin and sample.end <= end and _clear(sample, rest)
        ]
        if seen:
            self._rest_busy = sum(seen) / len(seen)
        unobserved = sum(stop - start for start, stop in rest) - watched
        return int(watched * self._rest_busy), unobserved

    def inside(self, begin: int, end: int) -> float:
        """The share of the engines that ran while any did: below 1 only where a page holds several."""
        seen = [sample.busy for sample in self._around(begin, end) if sample.busy > 0]
        return sum(seen) / len(seen) if seen else 1.0

    def idle_at(self, moment: int) -> bool:
        """Whether the sample nearest after `moment`, or else the last before it, saw nothing run; so it is taken
        where there is none near."""
        if not self._samples:
            return True
        after = bisect_left(self._samples, moment, key=lambda sample: sample.end)
        sample = self._samples[min(after, len(self._samples) - 1)]
        near = moment - self._gap <= sample.end and sample.begin <= moment + self._gap
        return sample.busy == 0 or not near

    def _count(self, reading: Reading) -> None:
        before, self._page = self._page, reading
        if before is None:
            self._moved_ns = reading.at_ns
            return
        if before.engines != reading.engines:
            self._moved_ns = reading.at_ns
        begin, end = before.at_ns, reading.at_ns
        if end > begin:
            counted = _between(before, reading)
            self._segments.append(_Segment(begin, end, counted))
            if counted:
                self.pace.add(begin, end, counted.steps, counted.generated)

    def _watched(self, begin: int, end: int) -> list[Span]:
        spans: list[Span] = []
        previous: _Sample | None = None
        for sample in self._samples:
            if previous and previous.end <= end and sample.begin - previous.end <= self._gap:
                start = spans.pop()[0] if spans and spans[-1][1] >= previous.begin else previous.begin
                spans.append((start, sample.end))
            previous = sample
        return [(max(start, begin), min(stop, end)) for start, stop in spans if stop > begin and start < end]

    def _around(self, begin: int, end: int) -> list[_Sample]:
        first = bisect_left(self._samples, begin, key=lambda sample: sample.end)
        found: list[_Sample] = []
        for index in range(first, len(self._samples)):
            if self._samples[index].begin > end:
                break
            found.append(self._samples[index])
        return found

    def _forget(self, before: int) -> None:
        while self._samples and self._samples[0].end < before:
            self._samples.popleft()
        while self._segments and self._segments[0].end < before:
            self._segments.popleft()


def _clear(sample: _Sample, rest: Sequence[Span]) -> bool:
    """Whether the sample was taken wholly outside own requests."""
    return any(start <= sample.begin and sample.end <= stop for start, stop in rest)


def _between(before: Reading, after: Reading) -> Counted | None:
    """What was counted between two pages; None where an engine restarted, appeared or went."""
    if before.boot != after.boot:
        return None
    earlier = {engine.engine: engine for engine in before.engines}
    if earlier.keys() != {engine.engine for engine in after.engines}:
        return None
    total = Counted()
    for engine in after.engines:
        counted = _difference(earlier[engine.engine], engine)
        if counted is None:
            return None
        total = total.plus(counted)
    return total


def _difference(before: EngineReading, after: EngineReading) -> Counted | None:
    generated = after.generated - before.generated
    computed = after.computed - before.computed
    prompts = after.prompts - before.prompts
    started = after.started - before.started
    if (
        after.steps is None or before.steps is None
    ):  # no step counter: as many steps as tokens per running request
        steps = generated / max(1.0, (before.running + after.running) / 2)
    else:
        steps = after.steps - before.steps
    preempted = after.preempted - before.preempted
    if min(generated, prompts, started, steps, preempted) < 0:
        return None
    held = (before.kv_usage + after.kv_usage) / 2 * after.kv_capacity
    behind = max(0.0, prompts - computed / 2) / started if started else 0.0
    return Counted(
        steps, max(0.0, computed), max(0.0, computed) * behind, generated, steps * held, prompts, preempted
    )
