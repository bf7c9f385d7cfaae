"""One request's journey, step by step: `Pipeline.serve` reads like the list in ARCHITECTURE.md."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from adapters import longtext
from adapters.call import MODELLESS, STORED, Call, Dialect
from adapters.dialects.checks import own_metadata
from adapters.dialects.ingress import Ingress
from adapters.document import AT_ONCE, Document, InvalidDocument, parse
from adapters.unhurried import let_go, parse_in_slices
from adapters.visible import visible
from gateway.access.keys import AccessDenied, Keyring, Principal
from gateway.configuration.snapshot import Snapshot
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.job import Engines, Job
from gateway.dispatch.waves import Waves
from gateway.metering.otlp.identity import continued
from gateway.metering.tariffs import Tariff
from gateway.pipeline.belongings import Kept, Owned, kept
from gateway.pipeline.booking import Account, Till
from gateway.pipeline.deciding import decided, escalation_of, no_way, only_at
from gateway.pipeline.detecting import Panel
from gateway.pipeline.endings import EARLY, ending
from gateway.pipeline.exchange import Exchange, own_headers
from gateway.pipeline.faults import ClientGone, Overloaded
from gateway.pipeline.filing import document_of
from gateway.pipeline.hardness import Hardness
from gateway.pipeline.journey import Journey
from gateway.pipeline.judge import Judge, purpose
from gateway.pipeline.keeping import Keeping
from gateway.pipeline.reading import segments_of
from gateway.pipeline.recalling import recalled
from gateway.pipeline.redacting import Redaction, redact
from gateway.pipeline.remembering import Stickiness, beyond_redaction, held_to_before, why
from gateway.pipeline.reserving import Reserving
from gateway.pipeline.turns import by_turns
from gateway.state.choices import Choices
from gateway.state.claims import Gone
from gateway.state.conversations import Bounds, Conversations
from routers.policy.policy import EXPLICIT, Decision
from routers.sensitivity.detector import Span
from routers.sensitivity.label import Label, Level, Segment
from routers.signals import Signals

SECONDS_PER_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Runtime:
    """What one snapshot brought, made ready for requests. A request keeps the one it began with."""

    snapshot: Snapshot
    keyring: Keyring
    judge: Judge
    engines: Engines
    tariffs: Mapping[str, Tariff]  # by model
    floors: Mapping[tuple[str, str], Level]  # by tenant and key: the lowest label its requests get
    reserving: Reserving
    sticky: Stickiness
    panel: Panel
    hardness: Hardness
    owned: Mapping[str, Owned]  # by tenant: kept objects that are its own by configuration
    keeps: Bounds | None  # for how long, and how many, conversations keep their models; None: they do not
    warnings: tuple[str, ...] = ()  # what an operator should know of it, beside the snapshot's own


class Pipeline:
    """Takes requests through the rooms. One per process; it holds no request's state."""

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        dispatcher: Dispatcher,
        till: Till,
        status_of: Callable[[Exception, Dialect], int],
        conversations: Conversations,
        choices: Choices,
    ) -> None:
        """`status_of` tells which HTTP status a client of that dialect gets for an error, for the ledger."""
        self._runtime = runtime
        self._dispatcher = dispatcher
        self._till = till
        self._status_of = status_of
        self._conversations = conversations
        self._keeping = Keeping(choices, till.metrics)
        self._waves = Waves()

    async def serve(self, exchange: Exchange, ingress: Ingress) -> None:
        """Serve one request of any dialect. Raises what `api` turns into an error answer, once it is booked."""
        runtime = self._runtime()
        inflight = self._till.metrics.inflight
        inflight.value += 1
        self._waves.under_way += 1
        try:
            principal = self._authenticated(runtime, exchange)
            journey = Journey(exchange.id, principal, runtime.snapshot.policy.hash, ingress)
            if runtime.snapshot.telemetry.otlp is not None:
                journey.trace = continued((exchange.header(b"traceparent") or b"").decode("latin-1"))
            account = Account(self._till, journey, runtime.tariffs)
            try:
                call = await self._read(exchange, runtime, journey)
                signals = await self._judged(runtime, journey, call)
                decision = await self._decided(runtime, journey, signals)
                await self._dispatch(exchange, runtime, journey, account, decision)
                account.close(200, "cut", _last_fault(journey))  # unless it is closed: its answer was whole
            except EARLY as error:
                outcome, name = ending(error)
                account.close(self._status_of(error, ingress.dialect), outcome, name)
                exchange.note(account.known())
                raise
            finally:  # whatever else ended it: a shutdown, a fault of ours
                account.close(500, "failed", "internal")
                account.kept()
                if journey.size > AT_ONCE and journey.call is not None:
                    await by_turns(let_go(journey.call.document))
        finally:
            inflight.value -= 1
            self._waves.under_way -= 1

    def _authenticated(self, runtime: Runtime, exchange: Exchange) -> Principal:
        try:
            return runtime.keyring.authenticate(shown_key(exchange.header))
        except AccessDenied:
            self._till.metrics.requests.at("", "", "", "unauthenticated").value += 1
            raise

    async def _read(self, exchange: Exchange, runtime: Runtime, journey: Journey) -> Call:
        """What it asks for, what for, and where what it names is kept."""
        if not self._till.ledger.accepting:
            raise Overloaded("Weir's disk is full, so it could not book this request. Try again later.", 30)
        server = runtime.snapshot.server
        body = await exchange.body(server.max_body, server.body_timeout)
        journey.received, journey.size = time.monotonic_ns(), len(body)
        await self._waves.gate
        stored = journey.ingress.dialect in STORED
        document = await (
            self._stored(exchange, runtime, journey, body) if stored else _parsed(body, exchange)
        )
        if stored and journey.size > AT_ONCE:  # its document has a body of its own
            held: list[str | bytes] = [body]
            del body
            await by_turns(longtext.let_go(held))
        values = document.values
        ingress, headers = journey.ingress, exchange.allowed_headers()
        if document.large:
            call = await asyncio.to_thread(ingress.read, document, headers)
            named = await asyncio.to_thread(ingress.references, values)
        else:
            call, named = ingress.read(document, headers), ingress.references(values)
        journey.call = call
        journey.purpose = purpose(own_headers(exchange), own_metadata(values))
        journey.debug = exchange.header(b"x-weir-debug") == b"1" and values.get("action") != "content"
        if named:
            tenant = journey.principal.tenant
            journey.held = await kept(
                self._till.belongings, tenant, named, runtime.owned.get(tenant, {}), stored=stored
            )
        return call

    async def _judged(self, runtime: Runtime, journey: Journey, call: Call) -> Signals:
        """What is known of it: its label, held to what its conversation had, its score, and its redacted form where a
        boundary asks for one."""
        principal, held = journey.principal, journey.held
        judged = await runtime.judge.judge(
            call,
            journey.purpose,
            principal.tenant,
            runtime.floors.get((principal.tenant, principal.key)),
            journey.at // (SECONDS_PER_DAY * 1_000_000_000),
            self._waves,
            None if held is None else held.label,
        )
        journey.opening = journey.purpose.conversation or judged.opening
        signals = judged.signals
        if journey.purpose.conversation:
            signals, journey.remembered = await self._held_to_before(runtime, journey, signals)
        spans: tuple[Span, ...] = ()
        if not runtime.panel.empty:
            label, spans = await runtime.panel.judged(signals, await _segments(call))
            if label is not signals.label:
                signals, _ = await self._held_to_before(runtime, journey, replace(signals, label=label))
        journey.signals = signals
        self._till.metrics.labels.at(str(signals.label.level)).value += 1
        self._till.metrics.tasks.at(signals.kind).value += 1
        policy = runtime.engines.policy
        if policy.redacts and _rewritable(call, held) and policy.redactable(signals):
            journey.redaction = await self._redacted(runtime, journey, call, signals, spans)
        return signals

    async def _decided(self, runtime: Runtime, journey: Journey, signals: Signals) -> Decision:
        """Where it goes, with what that may cost held. Raises what keeps it from going anywhere."""
        reserving, budgets = runtime.reserving, self._till.budgets
        allowance = reserving.allowance(journey)
        if allowance is not None:
            journey.signals = await reserving.weighed(budgets, signals, allowance)
        if runtime.keeps is not None and journey.purpose.conversation:
            journey.turn = await self._keeping.turn(journey, runtime.keeps)
        decision = journey.decision = decided(runtime.engines.policy, runtime.hardness.thresholds, journey)
        await self._waves
        self._count(runtime.hardness, journey, decision)
        if not decision.targets:
            raise no_way(decision)
        if journey.held is not None:
            decision = journey.decision = only_at(journey.held.backends, decision)
        if allowance is not None:
            decision = journey.decision = await reserving.reserve(
                budgets, journey, decision, allowance, journey.size
            )
        return decision

    async def _stored(self, exchange: Exchange, runtime: Runtime, journey: Journey, body: bytes) -> Document:
        """What a request about files or responses asks. Raises InvalidRequest, NoSuchObject, Overloaded."""
        tenant, policy = journey.principal.tenant, runtime.engines.policy
        owned = runtime.owned.get(tenant, {})
        if journey.ingress.dialect != "response":
            return await document_of(exchange, body, policy, self._till.belongings, tenant, owned)
        document = await recalled(exchange, body, policy, self._till.belongings, tenant, owned)
        if document.values["action"] == "delete":
            await self._till.awaiting.look(tenant, document.values["response_id"])  # nobody can, behind it
        return document

    async def _held_to_before(
        self, runtime: Runtime, journey: Journey, signals: Signals
    ) -> tuple[Signals, str]:
        """The signals with what was found in the conversation before, if it has a name, and what to tell of it."""
        conversation = journey.purpose.conversation
        if not conversation:
            return signals, ""
        label = await held_to_before(
            signals.label,
            self._conversations,
            runtime.sticky,
            journey.principal.tenant,
            conversation,
            journey.purpose.floor,
        )
        return replace(signals, label=label), why(signals.label, label)

    async def _redacted(
        self, runtime: Runtime, journey: Journey, call: Call, signals: Signals, spans: tuple[Span, ...]
    ) -> Redaction:
        """The request's redacted form, judged as the request was, and held to its conversation."""
        tenant, conversation = journey.principal.tenant, journey.purpose.conversation

        async def again(form: Call) -> Label:
            floor = runtime.floors.get((tenant, journey.principal.key))
            judged = await runtime.judge.judge(form, journey.purpose, tenant, floor, signals.day)
            if runtime.panel.empty:
                return judged.signals.label
            return (await runtime.panel.judged(judged.signals, await _segments(form)))[0]

        remembered = None
        if conversation:
            try:
                remembered = await beyond_redaction(self._conversations, runtime.sticky, tenant, conversation)
            except Gone:
                return Redaction(None, why="what was found in the conversation before is not known just now")
        return await redact(runtime.judge, call, signals.label, spans, again, remembered)

    async def _dispatch(
        self,
        exchange: Exchange,
        runtime: Runtime,
        journey: Journey,
        account: Account,
        decision: Decision,
    ) -> None:
        """Have it answered. If the client leaves, this task is cancelled, and with it the upstream call; but not before
        it is known what a provider goes on with in the background."""
        assert journey.call is not None  # noqa: S101  # set by the only caller
        assert journey.signals is not None  # noqa: S101  # as above
        task, background = asyncio.current_task(), journey.call.background

        def leave() -> None:
            journey.client_left = True
            if task is not None and (journey.relayed or not background):
                task.cancel()

        exchange.when_client_leaves(leave)
        redacted = None if journey.redaction is None else journey.redaction.form
        job = Job(
            journey.call,
            journey.signals,
            decision.targets,
            runtime.engines,
            exchange,
            account,
            redacted,
            waves=self._waves,
            kept_at="" if journey.held is None else journey.held.replica,
        )
        if runtime.snapshot.affinity.replica:
            job.conversation = journey.opening
        if decision.escalations:
            job.escalation = journey.escalation = escalation_of(
                runtime.engines.policy, decision, journey.call
            )
        journey.cannot = job.cannot
        if runtime.snapshot.telemetry.otlp is not None:
            job.traceparent = journey.traceparent
        try:
            await self._dispatcher.run(job)
        except asyncio.CancelledError:
            if not journey.client_left or task is None:
                raise
            task.uncancel()
            raise ClientGone from None
        finally:
            await self._noted(journey, account, decision)

    async def _noted(self, journey: Journey, account: Account, decision: Decision) -> None:
        """It was sent, and is over: what later requests build on."""
        if journey.escalation is not None and journey.escalation.fault:
            self._till.metrics.escalated(decision.route, journey.escalation.fault, journey.escalation.outcome)
        for left in [each.attempt for each in journey.settled if each.attempt.made]:
            await account.note(left)  # of answers that broke off, or were set aside
        if journey.client_left and journey.ingress.dialect in STORED and journey.settled:
            await account.forget(journey.settled[-1].attempt)  # whose answer may have had no time for it
        if journey.turn is not None and journey.settled:
            await self._keeping.keep(journey, journey.turn)

    def _count(self, hardness: Hardness, journey: Journey, decision: Decision) -> None:
        if hardness.watches and decision.route != EXPLICIT and journey.ingress.dialect not in MODELLESS:
            assert journey.signals is not None  # noqa: S101  # it was decided upon
            own, turn = journey.signals.complexity, journey.turn
            hardness.took(decision, own, own if turn is None or turn.now is None else turn.now.complexity)
        metrics = self._till.metrics
        if decision.dropped:
            for boundary in {each.boundary for each in decision.dropped if each.boundary is not None}:
                metrics.boundary_blocks.at(boundary).value += 1
        for route, _ in decision.passed_over:
            metrics.passed_over.at(route).value += 1


async def _parsed(body: bytes, exchange: Exchange) -> Document:
    """The body read: at once, or by turns where that would hold up others. Raises InvalidDocument."""
    try:
        return parse(body) if len(body) <= AT_ONCE else await by_turns(parse_in_slices(body))
    except InvalidDocument:
        if exchange.header(b"content-encoding") in (None, b"identity"):
            raise
        raise InvalidDocument(
            "encoded", "it is compressed, which Weir does not undo; send it as it is"
        ) from None


async def _segments(call: Call) -> list[Segment]:
    """What further detectors are shown of it."""

    def shown() -> list[Segment]:
        return segments_of(visible(call.document.values, call.dialect, call.headers))

    return await asyncio.to_thread(shown) if call.large else shown()


def _rewritable(call: Call, held: Kept | None) -> bool:
    """Whether it may go in another form: what a provider keeps, or will keep, stays as it is."""
    return held is None and call.dialect not in STORED and not call.background


def _last_fault(journey: Journey) -> str:
    return (journey.settled[-1].attempt.fault if journey.settled else "") or "cut"


def shown_key(header: Callable[[bytes], bytes | None]) -> bytes | None:
    """The key as an `Authorization` value; Anthropic's clients show theirs as `x-api-key`. `header` reads one."""
    key = header(b"x-api-key")
    return header(b"authorization") or (b"Bearer " + key if key else None)
