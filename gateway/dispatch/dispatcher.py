"""Tries a decision's targets in order and relays the first answer that comes.

Only permitted targets are tried, and every attempt after a reload is permitted anew. A target may be
left for the next one until the first byte has reached the client; from then on an answer that breaks
ends with an error event. Whatever happens, each attempt is booked exactly once.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from adapters.call import COUNTING, Backend, Call, Headers, Outgoing, Refusal, Relay, header
from adapters.chat import TokenUsage
from adapters.errors import StreamCut, Unsupported, UpstreamError
from adapters.transport import Answer
from gateway.dispatch.attempt import Attempt, Books, CannotCarry, NoTargetLeft, Refused, Reply
from gateway.fleet.replicas import Fleet, Replica
from routers.policy.permits import Permit, is_genuine
from routers.policy.policy import Policy
from routers.signals import Signals

MAX_ATTEMPTS: Final = 6
REPLICAS_PER_TARGET: Final = 2
LARGEST_REFUSAL: Final = 256 * 1024  # bytes of an error answer worth reading
LARGEST_ANSWER: Final = 64 * 1024 * 1024  # bytes of an unstreamed answer held before it is passed on
DRAIN_SECONDS: Final = 1.0  # how long a finished stream may take to end its HTTP framing

_PASSED_ON = (
    b"retry-after",
    b"retry-after-ms",
    b"x-should-retry",
    b"openai-processing-ms",
    b"x-request-id",
    b"request-id",  # Anthropic's
)
_PASSED_ON_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")


@dataclass(frozen=True, slots=True)
class Engines:
    """What attempts need of one snapshot: the policy that permits, and the backends that speak."""

    policy: Policy
    backends: Mapping[str, Backend]


@dataclass(slots=True)
class Job:
    """One request to be served: what to send, where it may go, and who hears of it."""

    call: Call
    signals: Signals
    targets: tuple[Permit, ...]
    engines: Engines  # of the snapshot the request began with
    reply: Reply
    books: Books
    attempts: int = 0
    last: Refusal | UpstreamError | None = None
    last_headers: Headers = ()
    unsupported: Unsupported | None = None
    cannot: dict[str, str] = field(default_factory=dict)  # targets that cannot carry the call, and why
    tried: list[Replica] = field(default_factory=list)


class Dispatcher:
    """Moves requests out and answers back. One per process; it holds no request's state."""

    def __init__(self, fleet: Fleet, current: Callable[[], Engines]) -> None:
        self._fleet = fleet
        self._current = current

    async def run(self, job: Job) -> None:
        """Serve the request. Raises Refused, NoTargetLeft or CannotCarry, always before the first byte
        reached the client; an answer that breaks later is ended here, with an error event."""
        for permit, replica in self._candidates(job):
            engines = self._current()
            if engines is not job.engines or job.attempts:
                anew = engines.policy.permit(job.signals, permit.model)
                if not isinstance(anew, Permit) or not _stands_for(replica, anew):
                    continue
                permit = anew  # the fresh permit replaces the one the decision held
            backend = engines.backends[permit.backend]
            try:
                outgoing = backend.outgoing(job.call, permit.upstream)
            except Unsupported as unsupported:
                job.unsupported = unsupported
                job.cannot[permit.model] = str(unsupported)
                continue
            if await self._attempt(job, permit, replica, backend, outgoing):
                return
        if job.last is None and job.unsupported is not None:
            raise CannotCarry(job.unsupported.field, str(job.unsupported))
        raise NoTargetLeft(job.last, job.last_headers, job.attempts)

    def _candidates(self, job: Job) -> Iterator[tuple[Permit, Replica]]:
        """Targets in the decision's order, each on its least busy replicas; those that seem down come last."""
        down: list[Permit] = []
        for permit in job.targets:
            for turn in range(REPLICAS_PER_TARGET):
                replica = self._fleet.choose(permit.backend, permit.replicas, time.monotonic(), job.tried)
                if replica is None:
                    if turn == 0:
                        down.append(permit)
                    break
                before = job.attempts
                job.tried.append(replica)
                yield permit, replica
                if job.attempts == before or not self._other_replica_may_help(job):
                    break
                if job.attempts >= MAX_ATTEMPTS:
                    return
        for permit in down:
            replica = self._fleet.any_of(permit.backend, permit.replicas)
            if replica is not None and replica not in job.tried and job.attempts < MAX_ATTEMPTS:
                job.tried.append(replica)
                yield permit, replica

    @staticmethod
    def _other_replica_may_help(job: Job) -> bool:
        last = job.last
        return isinstance(last, UpstreamError) or (last is not None and last.kind in {"busy", "broken"})

    async def _attempt(
        self, job: Job, permit: Permit, replica: Replica, backend: Backend, outgoing: Outgoing
    ) -> bool:
        """One call to one replica. True when the client has its answer (or its error event)."""
        if not is_genuine(permit) or not _stands_for(replica, permit):
            raise PermissionError("an attempt needs a permit of the policy's own making")
        job.attempts += 1
        attempt = Attempt(job.attempts, permit, replica.url, time.time_ns(), time.monotonic_ns())
        exchange = _Exchange(job, attempt, backend)
        job.books.opened(attempt)
        replica.started()
        try:
            answer = await replica.pool.exchange(outgoing)
            attempt.first_byte = time.monotonic_ns()
            attempt.status = answer.status
            exchange.healthy = True
            try:
                return await exchange.relay(answer)
            finally:
                await answer.aclose()
        except UpstreamError as error:
            exchange.healthy = False
            job.last, job.last_headers = error, ()
            attempt.fault, attempt.sent = error.failure, error.sent
            return False
        except asyncio.CancelledError:
            exchange.healthy = None
            attempt.outcome = "cancelled"
            raise
        finally:
            replica.ended(time.monotonic(), healthy=exchange.healthy)
            exchange.book_unless_booked()


class _Exchange:
    """The answer of one attempt on its way through."""

    __slots__ = ("_attempt", "_backend", "_booked", "_committed", "_job", "_relay", "healthy")

    def __init__(self, job: Job, attempt: Attempt, backend: Backend) -> None:
        self._job = job
        self._attempt = attempt
        self._backend = backend
        self._relay: Relay | None = None
        self._committed = False
        self._booked = False
        self.healthy: bool | None = None  # what this attempt says of the replica; None: nothing

    async def relay(self, answer: Answer) -> bool:
        """Pass the answer on. False: nothing reached the client, the next target may try."""
        attempt = self._attempt
        identity = header(answer.headers, b"x-request-id") or header(answer.headers, b"request-id")
        attempt.upstream_id = (identity or b"").decode("latin-1")
        if not 200 <= answer.status < 300:
            return await self._refused(answer)
        relay = self._relay = self._backend.relay(self._job.call, attempt.permit.upstream, answer.headers)
        try:
            if self._job.call.stream:
                await self._stream(answer, relay)
            else:
                await self._whole(answer, relay)
        except (UpstreamError, StreamCut) as error:
            self.healthy = False
            attempt.fault = error.failure if isinstance(error, UpstreamError) else "cut"
            if not self._committed:
                self._job.last = _as_upstream_error(error)
                return False
            attempt.outcome = "cut"
            if not self._booked:  # after the last content byte there is nothing left to spoil
                await self._job.reply.send(
                    relay.failure("The model's answer broke off before it was complete. Ask again.")
                )
            await self._job.reply.end()
        return True

    async def _refused(self, answer: Answer) -> bool:
        """An answer that is not a 2xx: the client's own fault, or a reason to try elsewhere."""
        job, attempt = self._job, self._attempt
        refusal = self._backend.refusal(
            answer.status, answer.headers, await _read_up_to(answer, LARGEST_REFUSAL)
        )
        attempt.fault = refusal.kind
        passed = passed_on(answer.headers)
        if refusal.kind == "client":
            attempt.outcome = "client_error"
            raise Refused(refusal, passed, attempt)
        attempt.outcome = "refused"
        self.healthy = None if refusal.kind in {"busy", "gone", "ours"} else False
        job.last, job.last_headers = refusal, passed
        return False

    async def _stream(self, answer: Answer, relay: Relay) -> None:
        """Relay events as they come: one write for each read. Booked before the last event leaves."""
        while data := await answer.read():
            out = relay.feed(data)
            self._count(relay)
            if relay.error is not None and not self._committed:
                raise UpstreamError("broken", relay.error, sent=True)
            if relay.complete:
                await self._send(answer, self._close(relay, out))
                await self._drain(answer)
                break
            if out:
                await self._send(answer, out)
        else:
            out = relay.finish()
            await self._send(answer, self._close(relay, out))
        await self._job.reply.end()

    async def _whole(self, answer: Answer, relay: Relay) -> None:
        """Hold an unstreamed answer until it is whole, book it, and pass it on in one write."""
        size = 0
        while data := await answer.read():
            size += len(data)
            if size > LARGEST_ANSWER:
                raise UpstreamError("protocol", "the answer is larger than Weir holds", sent=True)
            relay.feed(data)
        out = self._close(relay, relay.finish())
        self._committed = True
        await self._job.reply.start(answer.status, self._head(answer, (b"content-length", b"%d" % len(out))))
        await self._job.reply.end(out)

    async def _send(self, answer: Answer, out: bytes) -> None:
        if not self._committed:
            self._committed = True
            await self._job.reply.start(answer.status, self._head(answer))
        if out:
            await self._job.reply.send(out)

    async def _drain(self, answer: Answer) -> None:
        """Read the end of the HTTP framing behind a finished stream, so that its connection can be used again."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while await answer.read():
                    pass
        except (TimeoutError, UpstreamError):
            return  # the answer is complete; only the connection is lost

    def _head(self, answer: Answer, *more: tuple[bytes, bytes]) -> Headers:
        assert self._relay is not None  # noqa: S101  # a head is only sent for a relayed answer
        return (
            *self._relay.headers(),
            *more,
            *self._job.books.head(self._attempt),
            *passed_on(answer.headers),
        )

    def _count(self, relay: Relay) -> None:
        """Note what has been generated so far, and when."""
        attempt = self._attempt
        count = relay.content_events - attempt.content_events
        if count:
            now = time.monotonic_ns()
            if attempt.first_token is None:
                attempt.first_token = now
            attempt.last_token = now
            attempt.content_events = relay.content_events
            if attempt.ticket is not None:
                attempt.ticket.tokens(now, count)

    def _close(self, relay: Relay, out: bytes) -> bytes:
        """The answer is complete: book it now, before its last bytes leave."""
        attempt = self._attempt
        attempt.outcome = "ok" if relay.error is None else "cut"
        attempt.fault = "" if relay.error is None else "error_event"
        self._measure(relay)
        self._booked = True
        return self._job.books.closing(attempt, out)

    def _measure(self, relay: Relay | None) -> None:
        attempt = self._attempt
        attempt.ended = time.monotonic_ns()
        if relay is not None:
            attempt.engine_metrics = relay.metrics
            attempt.usage = relay.usage
            attempt.made = relay.made
            attempt.content_events = relay.content_events
        if attempt.usage.source != "unknown":
            return
        worked = attempt.sent and attempt.outcome not in {"refused", "client_error"}
        worked = worked and self._job.call.dialect not in COUNTING
        attempt.usage = TokenUsage(
            input=self._job.signals.prompt_tokens if worked else 0,
            output=attempt.content_events,
            source="estimated",
        )

    def book_unless_booked(self) -> None:
        """However the attempt ended, it is booked: here, unless its success was booked already."""
        if not self._booked:
            self._booked = True
            self._measure(self._relay)
            self._job.books.failed(self._attempt)


def _stands_for(replica: Replica, permit: Permit) -> bool:
    """Whether the permit names this very replica: its address, and the backend whose key and TLS it is reached with.
    A reload may have moved the model to another backend at the same address."""
    return replica.backend == permit.backend and replica.url in permit.replicas


def passed_on(headers: Headers) -> Headers:
    """The provider's headers that the client should see: retry advice, rate limits, request id."""
    return tuple(
        (name, value) for name, value in headers if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    )


def _as_upstream_error(error: UpstreamError | StreamCut) -> UpstreamError:
    return error if isinstance(error, UpstreamError) else UpstreamError("broken", str(error), sent=True)


async def _read_up_to(answer: Answer, limit: int) -> bytes:
    parts, size = [], 0
    while size < limit and (data := await answer.read()):
        parts.append(data)
        size += len(data)
    return b"".join(parts)[:limit]
