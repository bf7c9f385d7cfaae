"""One attempt as GPU accounting sees it: sent, tokens arriving, ended. The hot path: no I/O, no await."""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.chat import TokenUsage
from gateway.metering.gpu.crowd import share
from gateway.metering.gpu.facts import NOTHING, SECOND, WRITTEN, Coefficients, Did, Row
from gateway.metering.gpu.pace import Pace
from gateway.metering.gpu.spans import Span
from gateway.metering.gpu.usual import Usual

_SILENT_NS: Final = (
    SECOND // 4
)  # a running request writes a token each step: it hardly ever is silent for so long
_SILENCES: Final = 64  # remembered: a window waits half a minute at most


@dataclass(frozen=True, slots=True)
class Silence:
    """A stream stopped for `ns` in the middle of its answer, since a token in the window `began`. `tokens` are its
    prompt's and its answer's up to there: what is computed anew if the engine had dropped it."""

    ns: int
    began: int
    tokens: float


class Book(ABC):
    """What a ticket asks of the account it is written in (`book.ReplicaBook`). `offset_ns` turns monotonic times into
    UTC, by which windows of `window_ns` are numbered."""

    def __init__(self, pace: Pace, offset_ns: int, window_ns: int) -> None:
        self.pace: Final = pace  # at which the engine writes answers
        self.pieces: Final = Usual()  # tokens to a stream's event
        self._offset: Final = offset_ns
        self._window_ns: Final = window_ns

    def window(self, now_ns: int) -> int:
        """The number of the window this moment is in."""
        return (now_ns + self._offset) // self._window_ns

    def bounds(self, window: int) -> Span:
        """When the window begins and ends, monotonic ns."""
        begin = window * self._window_ns - self._offset
        return begin, begin + self._window_ns

    @property
    @abstractmethod
    def coefficients(self) -> Coefficients:
        """What the engine's doings cost, as far as is known."""

    @abstractmethod
    def prompt_of(self, usage: TokenUsage, prompt: int, ticket: "Ticket") -> tuple[int, int]:
        """(computed, cached) prompt tokens."""

    @abstractmethod
    def computable(self, took_ns: int) -> float:
        """Prompt tokens that may have been computed in that time."""

    @abstractmethod
    def ended(self, ticket: "Ticket") -> int:
        """Take note that the ticket ended; GPU ns it probably used."""


class Ticket:
    """Times are monotonic nanoseconds, windows are numbered by the book's wall clock.

    An unstreamed answer calls `end` alone: its tokens are spread over the time the engine needed for them.
    `streamed` tells that tokens are relayed as they come, so that none having come means that none were written.
    """

    __slots__ = (
        "_book",
        "abandoned",
        "alone",
        "anew",
        "befores",
        "begun",
        "booked",
        "cached",
        "cohort",
        "computed",
        "counts",
        "ended",
        "events",
        "first",
        "foretold",
        "generated",
        "last",
        "late",
        "owner",
        "reached",
        "silences",
        "streamed",
        "variance",
        "windows",
    )

    def __init__(
        self,
        book: Book,
        owner: Hashable,
        now_ns: int,
        cohort: Hashable = None,
        *,
        streamed: bool = False,
    ) -> None:
        self._book = book
        self.owner = owner
        self.cohort = cohort
        self.streamed = streamed
        self.begun = now_ns
        self.reached = now_ns  # when the engine had it; later than `begun` where the engine says so
        self.alone = True  # no other attempt of ours was there meanwhile
        self.first: int | None = None  # when the first token came
        self.last = now_ns
        self.ended: int | None = None
        self.events = 0
        self.windows: list[int] = []  # windows in which tokens came, ascending,
        self.counts: list[float] = []  # and how many in each,
        self.befores: list[float] = []  # and how many before
        self.computed = 0  # prompt tokens not from cache; an estimate until the end
        self.cached = 0
        self.variance = 0.0  # of that estimate
        self.foretold = 0  # prompt tokens, as the caller had estimated them
        self.generated = 0
        self.abandoned = False  # the client left before the first token, when some of the prompt was computed
        self.silences: dict[int, Silence] | None = None  # the longest that ended in a window
        self.anew: dict[int, float] | None = None  # tokens computed once more, by window
        self.late = False  # it ended when windows it had work in were closed
        self.booked: dict[int, int] | None = None  # GPU ns booked before that, by window of the claim

    def tokens(self, now_ns: int, count: int) -> None:
        """`count` output events were relayed now."""
        if count <= 0:
            return
        window = self._book.window(now_ns)
        if self.first is None:
            self.first = now_ns
        elif now_ns - self.last >= _SILENT_NS:
            self._heard_again(now_ns - self.last, window)
        self.last = now_ns
        windows = self.windows
        if windows and windows[-1] == window:
            self.counts[-1] += count
        else:
            windows.append(window)
            self.counts.append(count)
            self.befores.append(self.events)
        self.events += count

    def end(
        self, now_ns: int, usage: TokenUsage, *, engine_metrics: Mapping[str, float] | None = None
    ) -> int:
        """The attempt is over: answered, failed or cancelled. What it is thought to have used (GPU ns); its
        windows' bookings are what counts. Later calls change nothing."""
        if self.ended is not None:
            return 0
        book, events, prompt = self._book, self.events, usage.prompt
        self.ended = now_ns
        if engine_metrics:
            self.reached += _elsewhere(now_ns - self.begun, engine_metrics)
        generated = usage.generated or events
        if usage.source == "reported" and events > 1:
            book.pieces.add(generated, events)
        elif generated == events:
            generated = round(events * book.pieces.ratio)
        self.generated = generated
        if prompt or generated:
            self.computed, self.cached = book.prompt_of(usage, prompt, self)
        else:
            self.read(0, 0)  # nothing came and nothing was used
        if generated > 1 and (self.first is None or self.first == self.last):
            self._spread(now_ns, engine_metrics)
        elif generated and self.first is None:
            self.tokens(now_ns, 1)
        elif events and generated != events:
            factor = generated / events
            self.counts = [count * factor for count in self.counts]
            self.befores = [before * factor for before in self.befores]
        elif not generated and usage.source != "reported":
            self._abandon(book.computable(now_ns - self.begun), book.window(now_ns))
        return book.ended(self)

    def read(self, prompt: int, cached: int) -> None:
        """How long the prompt is, and how much of it came from the prefix cache."""
        self.computed, self.cached = prompt - cached, cached

    def book(self, window: int, gpu_ns: int) -> None:
        """So much was booked to it in a window that it owes it for, before all was known of it."""
        if self.booked is None:
            self.booked = {}
        self.booked[window] = self.booked.get(window, 0) + gpu_ns

    @property
    def did_nothing(self) -> bool:
        """Over, and neither read nor wrote a token: no evidence that the engine worked."""
        return self.ended is not None and not (self.computed or self.cached or self.generated)

    def unclear(self, window: int) -> bool:
        """Whether what it used in `window` may still turn out otherwise: how long its prompt was, and how much of
        that was cached, is known at the end; so is when an unstreamed answer was written."""
        if self.ended is not None:
            return False
        if self.first is None:
            return not self.streamed
        return self.windows[0] == window

    def did(self, window: int) -> Did | None:
        """What this attempt did in `window`, as far as is known; None: nothing."""
        windows = self.windows
        if not windows or windows[-1] < window:
            return None
        at = 0 if windows[0] == window else bisect_left(windows, window)
        if windows[at] != window:
            return None
        written, before, computed = self.counts[at], self.befores[at], self.computed
        if self.ended is None:
            each = self._book.pieces.ratio
            written, before = written * each, before * each
        context = written * (computed + self.cached + before + written / 2)
        anew = self.anew.get(window, 0.0) if self.anew else 0.0
        looked_back = anew * anew / 2
        if at:
            return anew, looked_back, written, context
        return computed + anew, computed * (self.cached + computed / 2) + looked_back, written, context

    def wrote(self, begin: int, end: int) -> Span:
        """When its answer was being written, of that time."""
        first, last = self.first or begin, self.ended or end
        first = first if first > begin else begin
        last = last if last < end else end
        return (first, last) if first < last else (min(first, end), min(first, end))

    def pays_for(self, window: int, row: Row, did: Did | None = None, bounds: Span | None = None) -> Did:
        """What it did (`did`) by that window's row: tokens written count among those computed, and are weighted by how
        many others were written beside them. `bounds`: the window's."""
        did = did or self.did(window)
        if did is None:
            return NOTHING
        computed, looked_back, written, context = did
        computed += WRITTEN * written
        if row.crowd:
            begin, end = bounds or self._book.bounds(window)
            first, last = self.wrote(begin, end)
            written *= share(row.crowd, (first - begin) / (end - begin), (last - begin) / (end - begin))
        return computed, looked_back, written, context

    def all_work(self, coefficients: Coefficients, steps_per_token: float) -> float:
        """Seconds of work of the whole attempt."""
        if not self.windows:
            return 0.0
        output = coefficients.step * steps_per_token + coefficients.prompt * WRITTEN
        output += coefficients.context * (self.computed + self.cached + self.generated / 2)
        return coefficients.prompt_work(self.computed, self.cached) + self.generated * output

    def _heard_again(self, silent_ns: int, window: int) -> None:
        """Take note of a silence that ends in this window."""
        if self.silences is None:
            self.silences = {}
        known = self.silences.get(window)
        if known is None or known.ns < silent_ns:
            tokens = self.computed + self.cached + self.events * self._book.pieces.ratio
            self.silences[window] = Silence(silent_ns, self._book.window(self.last), tokens)
        if len(self.silences) > _SILENCES:
            del self.silences[next(iter(self.silences))]

    def _abandon(self, computable: float, window: int) -> None:
        """The client left before the first token: it owes what may have been computed by then."""
        self.computed = min(self.computed, int(computable))
        if self.computed:
            self.abandoned = True
            self.windows, self.counts, self.befores = [window], [0.0], [0.0]

    def _spread(self, now_ns: int, metrics: Mapping[str, float] | None) -> None:
        """The tokens came in one piece: lay them over the time the engine took to write them, at its pace."""
        book, generated = self._book, self.generated
        came = self.first or now_ns
        first = came - self._writing(came, metrics)
        self.first, self.events = first, generated
        start, stop = book.window(first), book.window(came)
        if start == stop:
            self.windows, self.counts, self.befores = [start], [generated], [0.0]
            return
        self.windows, self.counts, self.befores = [], [], []
        by, before = book.pace.by, 0.0
        begun, all_of_it = by(first), by(came) - by(first)
        for window in range(start, stop + 1):
            until = min(book.bounds(window)[1], came)
            share = (by(until) - begun) / all_of_it if all_of_it > 0 else (until - first) / (came - first)
            if share * generated > before:
                self.windows.append(window)
                self.befores.append(before)
                self.counts.append(generated * share - before)
                before = generated * share

    def _writing(self, came: int, metrics: Mapping[str, float] | None) -> int:
        """How long before `came` the first token was written (ns), as the engine says, by its pace or by work."""
        book, took = self._book, came - self.begun
        said = metrics.get("generation_time_ms") if metrics else None
        if said is not None and 0 <= said * 1_000_000 <= took:
            return int(said * 1_000_000)
        since = book.pace.first(self.generated - 1, self.begun, came)
        if since is not None:
            return came - since
        coefficients = book.coefficients
        prompt = coefficients.prompt_work(self.computed, self.cached) + coefficients.step
        context = self.computed + self.cached + self.generated / 2
        output = (self.generated - 1) * (coefficients.step + coefficients.context * context)
        return int(took * output / (prompt + output)) if output else 0


def _elsewhere(took_ns: int, metrics: Mapping[str, float]) -> int:
    """How much of the time (ns) went into getting to the engine and back, where it says how long it took itself."""
    try:
        known = metrics["queue_time_ms"] + metrics["generation_time_ms"] + metrics["time_to_first_token_ms"]
    except KeyError:
        return 0
    spent = took_ns - int(known * 1_000_000)
    return spent if 0 < spent < took_ns else 0
