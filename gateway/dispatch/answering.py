"""The answer of one attempt on its way to the client: relayed, or judged first; booked once, before its end."""

import asyncio
import time
from typing import Final

from adapters.call import MODELLESS, STORED, Backend, Headers, Relay, header
from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Told, ToldAgain
from adapters.document import AT_ONCE
from adapters.errors import StreamCut, UpstreamError
from adapters.refusals import status_under
from adapters.restoring.relay import Restoring
from adapters.transport import Answer
from gateway.dispatch.attempt import Attempt, Refused
from gateway.dispatch.escalation import JUDGED_AT_ONCE, Escalation, Held, Opening
from gateway.dispatch.freeing import let_go
from gateway.dispatch.job import Job
from gateway.dispatch.undisturbed import Undisturbed
from routers.policy.permit import Permit

LARGEST_REFUSAL: Final = 256 * 1024  # bytes of an error answer worth reading
LARGEST_ANSWER: Final = 64 * 1024 * 1024  # bytes of an unstreamed answer held before it is passed on
PATIENCE: Final = (
    10.0  # seconds that a provider may say that it works, and nothing else, before the client is told
)
_SOME: Final = (
    16 * 1024
)  # bytes of a stream between two turns: a hundred events, and a millisecond to write them anew
DRAIN_SECONDS: Final = 1.0  # how long a finished stream may take to end its HTTP framing

_LASTING: Final = frozenset({"responses", "response"})  # whose answers may come later, or tell of such

_PASSED_ON: Final = frozenset(
    (
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"openai-processing-ms",
        b"x-request-id",
        b"request-id",  # Anthropic's
    )
)
_PASSED_ON_PREFIXES: Final = (b"x-ratelimit-", b"anthropic-ratelimit-")


class Answering:
    """The answer of one attempt on its way through."""

    __slots__ = (
        "_attempt",
        "_backend",
        "_booked",
        "_committed",
        "_job",
        "_relay",
        "_undisturbed",
        "healthy",
    )

    def __init__(self, job: Job, attempt: Attempt, backend: Backend, undisturbed: Undisturbed) -> None:
        self._job = job
        self._attempt = attempt
        self._backend = backend
        self._undisturbed = undisturbed
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
        if self._job.plain.large:  # it may be looked through once more
            relay = await asyncio.to_thread(self._way_back, attempt.permit, answer)
        else:
            relay = self._way_back(attempt.permit, answer)
        self._relay = relay
        escalation = self._job.escalation
        try:
            if escalation is not None and escalation.judges(attempt.permit.model):
                return await self._judged(answer, relay, escalation)
            if self._job.plain.stream:
                return await self._stream(answer, relay)
            return await self._pass_on(answer, relay, await self._read_whole(answer, relay))
        except (UpstreamError, StreamCut) as error:
            self.healthy = False
            attempt.fault = error.failure if isinstance(error, UpstreamError) else "cut"
            if not self._committed:
                self._job.last = _as_upstream_error(error)
                if escalation is not None:
                    escalation.broke(attempt.permit.model)
                return False
            attempt.outcome = "cut"
            if not self._booked:  # after the last content byte there is nothing left to spoil
                self.book_unless_booked()
                failure = relay.failure("The model's answer broke off before it was complete. Ask again.")
                failure = self._job.books.closing(attempt, failure)
                self._job.books.kept()
                await self._job.reply.send(failure)
            await self._job.reply.end()
        return True

    def _way_back(self, permit: Permit, answer: Answer) -> Relay:
        """The relay for this answer; it puts values back where the model was sent placeholders."""
        job, backend = self._job, self._backend
        if job.redacted is None or not permit.redacted:
            return backend.relay(job.plain, permit.upstream, answer.headers)
        form = job.redacted.form
        return Restoring(backend.relay(form.call, permit.upstream, answer.headers), form)

    async def _refused(self, answer: Answer) -> bool:
        """An answer that is not a 2xx: see `_error`."""
        return self._error(answer.status, answer, await _read_up_to(answer, LARGEST_REFUSAL))

    def _complained(self, answer: Answer, relay: Relay) -> bool:
        """An error that came under a 200, of which nothing has reached the client: see `_error`."""
        return self._error(status_under(relay.complaint), answer, relay.complaint)

    def _error(self, status: int, answer: Answer, body: bytes) -> bool:
        """An error instead of an answer: the client's own fault, which raises Refused, or a reason to try elsewhere."""
        job, attempt = self._job, self._attempt
        refusal = self._backend.refusal(status, answer.headers, body)
        attempt.fault = refusal.kind
        passed = passed_on(answer.headers)
        if refusal.kind == "client":
            attempt.outcome = "client_error"
            raise Refused(refusal, passed, attempt)
        attempt.outcome = "refused"
        self.healthy = None if refusal.kind in {"busy", "gone", "ours"} else False
        job.last, job.last_headers = refusal, passed
        return False

    async def _stream(self, answer: Answer, relay: Relay) -> bool:
        """Relay events as they come: one write for each read. Booked before the last event leaves. False: it began with
        an error."""
        begun = 0  # bytes that came of an event that is not whole
        while data := await answer.read(_SOME if begun <= AT_ONCE else AT_ONCE):
            out = relay.feed(data) if begun <= AT_ONCE else await asyncio.to_thread(relay.feed, data)
            begun = 0 if out else _begun(relay, begun + len(data))
            self._count(relay)
            if relay.error is not None and not self._committed:
                if relay.complaint:
                    return self._complained(answer, relay)
                raise UpstreamError("broken", relay.error, sent=True)
            if relay.complete:
                if answer.unread:
                    out += await self._what_came_behind(answer, relay)
                await self._send_last(answer, relay, out)
                await self._drain(answer)
                break
            if out and (self._committed or not self._waits(out)):
                await self._send(answer, out)
        else:
            out = relay.finish() if begun <= AT_ONCE else await asyncio.to_thread(self._finished, relay)
            if relay.complaint and not self._committed:
                return self._complained(answer, relay)
            await self._send_last(answer, relay, out)
            if begun > AT_ONCE:
                held = [out]
                out = b""  # nobody else may hold what is let go
                await let_go(held)
        await self._job.reply.end()
        return True

    async def _what_came_behind(self, answer: Answer, relay: Relay) -> bytes:
        """What a provider sent behind its answer's last word and in one go with it, as a second message: the client's
        too."""
        rest, left = [], answer.unread  # and nothing that comes from now on: it may have no end
        while left > 0:
            data = await answer.read(_SOME)
            left -= len(data)
            rest.append(relay.feed(data))
        return b"".join(rest)

    def _waits(self, out: bytes) -> bool:
        """Whether a stream has only said that it is alive (comments), and not for long: what it says first may be an
        error, and then another model can still be tried."""
        waited = (time.monotonic_ns() - self._attempt.started) / 1e9
        return (
            out.startswith(b":")
            and waited < PATIENCE
            and all(line.startswith(b":") for line in out.splitlines() if line)
        )

    async def _judged(self, answer: Answer, relay: Relay, escalation: Escalation) -> bool:
        """As `_stream` and `_pass_on` for an answer that is passed on only if it will do. False: it is set aside."""
        stream = self._job.plain.stream
        data = await (self._opening(answer, relay) if stream else self._read_whole(answer, relay))
        if data is None:
            return True
        if relay.complaint:
            return self._complained(answer, relay)
        attempt = self._attempt
        if relay.error is None:
            head = (*relay.headers(), *passed_on(answer.headers))
            held = Held(attempt, answer.status, head, data)
            if len(data) > JUDGED_AT_ONCE:  # and the loop is not held for it
                aside = await asyncio.to_thread(escalation.sets_aside, held)
            else:
                aside = escalation.sets_aside(held)
            if aside:
                attempt.outcome, attempt.fault = "set_aside", f"answer_{escalation.fault}"
                return False
        if not stream:
            return await self._pass_on(answer, relay, data)
        await self._send_last(answer, relay, data)
        await self._job.reply.end()
        return True

    async def _opening(self, answer: Answer, relay: Relay) -> bytes | None:
        """A stream that ended before its first word, or that refuses: all of it. None: it began well, and has been
        passed on."""
        opening, begun = Opening(self._job.plain.dialect), 0
        while not relay.complete and (data := await answer.read(_SOME if begun <= AT_ONCE else AT_ONCE)):
            out = relay.feed(data) if begun <= AT_ONCE else await asyncio.to_thread(relay.feed, data)
            begun = 0 if out else _begun(relay, begun + len(data))
            self._count(relay)
            if relay.complaint:
                return b""
            if relay.error is not None:
                raise UpstreamError("broken", relay.error, sent=True)
            if opening.well(out, relay):
                long = opening.size > AT_ONCE
                await self._send(answer, await asyncio.to_thread(opening.taken) if long else opening.taken())
                await self._stream(answer, relay)
                return None
        if relay.complete:
            await self._drain(answer)
            return opening.taken()
        if begun > AT_ONCE:
            return opening.taken() + await asyncio.to_thread(self._finished, relay)
        return opening.taken() + relay.finish()

    async def _read_whole(self, answer: Answer, relay: Relay) -> bytes:
        """An unstreamed answer, held until it is whole."""
        size = 0
        while data := await answer.read():
            size += len(data)
            if size > LARGEST_ANSWER:
                raise UpstreamError("protocol", "the answer is larger than Weir holds", sent=True)
            relay.feed(data)
        return relay.finish() if size <= AT_ONCE else await asyncio.to_thread(self._finished, relay)

    def _finished(self, relay: Relay) -> bytes:
        """The last bytes of a large answer; on a thread."""
        with self._undisturbed:
            return relay.finish()

    async def _pass_on(self, answer: Answer, relay: Relay, data: bytes) -> bool:
        """Book an unstreamed answer, and send it in one write. False: it is none, but an error."""
        if relay.complaint:
            return self._complained(answer, relay)
        await self._job.waves
        self._settle(relay)
        await self._job.waves
        out = self._job.books.closing(self._attempt, data)
        if self._attempt.made:
            await self._job.books.note(self._attempt)
        if self._job.plain.dialect in STORED:
            await self._job.books.forget(self._attempt)
        self._committed = True
        await self._job.waves
        self._job.books.kept()
        await self._job.reply.start(answer.status, self._head(answer, (b"content-length", b"%d" % len(out))))
        await self._job.reply.end(out)
        if len(out) > AT_ONCE:
            held = [out]
            data = out = b""  # nobody else may hold what is let go
            await let_go(held)
        return True

    async def _send(self, answer: Answer, out: bytes) -> None:
        begins, self._committed = not self._committed, True
        if self._job.plain.background and not self._attempt.awaited:
            await self._await()
        if begins:
            await self._job.reply.start(answer.status, self._head(answer))
        if out:
            await self._job.reply.send(out)

    async def _await(self) -> None:
        """The provider will go on with the answer, should its stream break: see that it is known by then, as soon as
        it has an id. All that was sent before may be a sign of life."""
        attempt, relay = self._attempt, self._relay
        if relay is not None and relay.made and not self._booked:
            attempt.made, attempt.awaited = relay.made, relay.made[0]
            await self._job.books.awaits(attempt)

    async def _send_last(self, answer: Answer, relay: Relay, data: bytes) -> None:
        """Book the answer, and send what is left of it."""
        self._settle(relay)
        out = self._job.books.closing(self._attempt, data)
        if self._attempt.made:
            await self._job.books.note(self._attempt)
        self._job.books.kept()
        await self._send(answer, out)

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

    def _settle(self, relay: Relay) -> None:
        """The answer is complete: book it now, before its last bytes leave."""
        attempt = self._attempt
        attempt.outcome = "ok" if relay.error is None else "cut"
        attempt.fault = "" if relay.error is None else "error_event"
        self._measure(relay)
        self._booked = True
        self._job.books.settle(attempt)

    def _measure(self, relay: Relay | None) -> None:
        attempt = self._attempt
        attempt.ended = time.monotonic_ns()
        if relay is not None:
            attempt.engine_metrics = relay.metrics
            attempt.usage = relay.usage
            attempt.made = relay.made
            attempt.finish = relay.finish_reason if isinstance(relay.finish_reason, str) else ""
            attempt.content_events = relay.content_events
            if self._job.plain.dialect in _LASTING:
                self._note_later(relay)
        if attempt.usage.source != "unknown":
            return
        worked = attempt.sent and attempt.outcome not in {"refused", "client_error"}
        worked = worked and self._job.plain.dialect not in MODELLESS
        attempt.usage = TokenUsage(
            input=self._job.signals.prompt_tokens if worked else 0,
            output=attempt.content_events,
            source="estimated",
        )

    def _note_later(self, relay: Relay) -> None:
        """Whether the provider still works on the answer; how the one ended that it was asked about."""
        attempt = self._attempt
        if self._job.plain.background:
            known = attempt.usage.source != "unknown" or not relay.made
            attempt.awaited = "" if known else relay.made[0]
        elif isinstance(relay, Told | ToldAgain):
            attempt.told = relay.ended

    def book_unless_booked(self) -> None:
        """However the attempt ended, it is booked: here, unless its success was booked already."""
        if not self._booked:
            self._booked = True
            self._measure(self._relay)
            self._job.books.settle(self._attempt)


def _begun(relay: Relay, came: int) -> int:
    """How much of an event is here, where so many bytes came and none for the client: some events are Weir's alone."""
    return came if came <= AT_ONCE else relay.held


def passed_on(headers: Headers) -> Headers:
    """The provider's headers that the client should see: retry advice, rate limits, request id."""
    return tuple(
        [pair for pair in headers if pair[0] in _PASSED_ON or pair[0].startswith(_PASSED_ON_PREFIXES)]
    )


def _as_upstream_error(error: UpstreamError | StreamCut) -> UpstreamError:
    return error if isinstance(error, UpstreamError) else UpstreamError("broken", str(error), sent=True)


async def _read_up_to(answer: Answer, limit: int) -> bytes:
    parts, size = [], 0
    while size < limit and (data := await answer.read()):
        parts.append(data)
        size += len(data)
    return b"".join(parts)[:limit]
