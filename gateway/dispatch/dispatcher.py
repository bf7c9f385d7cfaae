"""Tries a decision's targets in order and relays the first answer that comes.

Only permitted targets are tried, and every attempt after a reload is permitted anew. A target may be
left for the next one until the first byte has reached the client; from then on an answer that breaks
ends with an error event. Whatever happens, each attempt is booked exactly once.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

from adapters.call import Backend, Call, Outgoing, traced
from adapters.declared import TALKING
from adapters.errors import Unsupported, UpstreamError
from gateway.dispatch.answering import Answering
from gateway.dispatch.attempt import Attempt, CannotCarry, NoTargetLeft, Refused
from gateway.dispatch.escalation import Escalation, Held
from gateway.dispatch.freeing import let_go_parts
from gateway.dispatch.job import Engines, Job
from gateway.dispatch.undisturbed import Undisturbed
from gateway.fleet.replicas import Fleet, Replica
from routers.policy.permit import Permit, is_genuine
from routers.policy.permits import Dropped

MAX_ATTEMPTS: Final = 6
REPLICAS_PER_TARGET: Final = 2
PREFIXED: Final = TALKING | {"completions"}  # whose prompts begin as earlier ones did


class Dispatcher:
    """Moves requests out and answers back. One per process; it holds no request's state."""

    def __init__(self, fleet: Fleet, current: Callable[[], Engines]) -> None:
        self._fleet = fleet
        self._current = current
        self._undisturbed: Final = Undisturbed()

    async def run(self, job: Job, targets: tuple[Permit, ...] | None = None) -> None:
        """Serve the request by one of its targets (or of `targets`), or of those it escalates to. Raises Refused,
        NoTargetLeft or CannotCarry, always before the first byte reached the client; an answer that breaks later is
        ended here, with an error event."""
        await job.waves
        for permit, replica in self._candidates(job, job.targets if targets is None else targets):
            engines = self._current()
            if engines is not job.engines or job.attempts:
                anew = job.permitted(engines.policy, permit.model)
                if not isinstance(anew, Permit) or not _stands_for(replica, anew):
                    continue
                permit = anew.within(permit)  # the fresh permit replaces the one the decision held
            backend = engines.backends[permit.backend]
            call = permit.form(job.plain, None if job.redacted is None else job.redacted.form.call)
            try:
                if call.large:
                    outgoing = await asyncio.to_thread(self._made_ready, backend, call, permit.upstream)
                else:
                    outgoing = backend.outgoing(call, permit.upstream)
            except Unsupported as unsupported:
                job.unsupported = unsupported
                job.cannot[permit.model] = str(unsupported)
                continue
            if job.traceparent is not None:
                outgoing = traced(outgoing, job.traceparent(job.attempts + 1))
            answered = await self._attempt(job, permit, replica, backend, outgoing)
            if call.large:
                await let_go_parts(outgoing.body)
            if answered or (job.escalation is not None and await self._escalated(job, job.escalation)):
                return
        raise job.unanswered()

    async def _escalated(self, job: Job, escalation: Escalation) -> bool:
        """Where an answer was at fault: whether the models to escalate to gave a better one, or the client was given it
        after all. Raises Refused where there is none to give."""
        if not escalation.due:
            return False
        escalation.due = False
        if escalation.held is not None:
            job.tried.clear()  # its replica is well: another model there may be asked
        policy, began = self._current().policy, job.engines.policy
        verdicts = [job.permitted(policy, model) for model in escalation.to]
        if policy is not began:  # no more is given up than when the request began
            verdicts = [_within(each, job.permitted(began, each.model)) for each in verdicts]
        escalation.outcome = "answered"  # as the headers of a better answer say; put right where none comes
        try:
            await self.run(job, tuple(each for each in verdicts if isinstance(each, Permit)))
        except (NoTargetLeft, CannotCarry, Refused) as error:
            held = escalation.held
            escalation.outcome = "failed" if held is None else "kept"
            if held is None and isinstance(error, Refused):
                raise
        except asyncio.CancelledError:
            escalation.outcome = "failed"
            raise
        else:
            return True
        if held is not None:
            await _given(job, held)
        return held is not None

    def _candidates(self, job: Job, targets: tuple[Permit, ...]) -> Iterator[tuple[Permit, Replica]]:
        """Targets in the decision's order, each on its conversation's replica or the least busy one; those that seem
        down come last."""
        down: list[Permit] = []
        for permit in targets:
            for turn in range(REPLICAS_PER_TARGET):
                replica = self._replica(job, permit)
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
            replica = self._fleet.any_of(permit.backend, _where(job, permit))
            if replica is not None and replica not in job.tried and job.attempts < MAX_ATTEMPTS:
                job.tried.append(replica)
                yield permit, replica

    def _made_ready(self, backend: Backend, call: Call, model: str) -> Outgoing:
        """A large request for a backend; on a thread."""
        with self._undisturbed:
            return backend.outgoing(call, model)

    def _replica(self, job: Job, permit: Permit) -> Replica | None:
        """Where to try a target next: where its conversation was, or where there is least to do."""
        backend, urls, now = permit.backend, permit.replicas, time.monotonic()
        if job.kept_at:
            urls = _where(job, permit)
        if len(urls) > 1 and job.conversation and job.plain.dialect in PREFIXED:
            return self._fleet.prefer(job.place(), backend, urls, now, job.tried)
        return self._fleet.choose(backend, urls, now, job.tried)

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
        exchange = Answering(job, attempt, backend, self._undisturbed)
        job.books.opened(attempt)
        replica.started()  # in the step that chose it: the next of a wave is to see that it has one more
        try:
            await job.waves
            answer = await replica.pool.exchange(outgoing)
            attempt.first_byte = time.monotonic_ns()
            attempt.status = answer.status
            exchange.healthy = True
            try:
                await job.waves.gate
                answered = await exchange.relay(answer)
                if not answered and attempt.fault == "ours":
                    replica.refuses_us = answer.status
                return answered
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


async def _given(job: Job, held: Held) -> None:
    """Give the client an answer that was set aside."""
    data = job.books.given(held.attempt, held.data)
    if held.attempt.made:
        await job.books.note(held.attempt)
    headers = (*held.headers, *job.books.head(held.attempt))
    if not job.plain.stream:
        headers += ((b"content-length", b"%d" % len(data)),)
    job.books.kept()
    await job.reply.start(held.status, headers)
    await job.reply.end(data)


def _where(job: Job, permit: Permit) -> tuple[str, ...]:
    """The replicas that may be asked: the one that keeps what the request names, while it stands, and else any."""
    return (job.kept_at,) if job.kept_at in permit.replicas else permit.replicas


def _within(now: Permit | Dropped, began: Permit | Dropped) -> Permit | Dropped:
    return now.within(began) if isinstance(now, Permit) and isinstance(began, Permit) else now


def _stands_for(replica: Replica, permit: Permit) -> bool:
    """Whether the permit names this very replica: its address, and the backend whose key and TLS it is reached with.
    A reload may have moved the model to another backend at the same address."""
    return replica.backend == permit.backend and replica.url in permit.replicas
