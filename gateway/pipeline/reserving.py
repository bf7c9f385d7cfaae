"""Holds a request to its budgets: what it may use is reserved before it is sent, what it used is settled after.

A request that nothing limits passes by here for the price of one look-up.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from adapters.call import STORED, Call
from gateway.configuration.snapshot import Snapshot
from gateway.metering.budgets.budgets import Budgets, Hold, Spent
from gateway.metering.budgets.estimates import Tariff, Upper, escalating, prompt_tokens, upper, ways
from gateway.metering.budgets.limits import Allowance, Allowances, gpu_micros, nano_dollars
from gateway.pipeline.faults import Blocked
from gateway.pipeline.journey import Journey
from routers.policy.permit import Permit
from routers.policy.permits import Dropped
from routers.policy.policy import Decision
from routers.signals import Signals

_NS: Final = 1_000_000_000
_TEXT: Final = frozenset({"text"})
_NOTHING: Final = Upper(0, 0)


class Reserving:
    """One snapshot's limits at work."""

    def __init__(self, allowances: Allowances, snapshot: Snapshot, tariffs: Mapping[str, Tariff]) -> None:
        self.allowances: Final = allowances
        self._tariffs = tariffs
        self._gpu_ns = {
            name: int(max(1, backend.gpus) * allowances.reserve.gpu_seconds * _NS)
            if (backend := snapshot.backends[model.backend]).kind == "vllm"
            else 0
            for name, model in snapshot.policy.models.items()
        }
        self._unpriced = nano_dollars(allowances.reserve.unpriced_usd)

    def allowance(self, journey: Journey) -> Allowance | None:
        """What limits this request; None: nothing does."""
        principal = journey.principal
        return self.allowances.of(principal.tenant, principal.key, journey.purpose.workflow)

    async def weighed(self, budgets: Budgets, signals: Signals, allowance: Allowance) -> Signals:
        """The signals with the used share of the tightest budget, where some route asks for it."""
        if not self.allowances.routes_by_budget:
            return signals
        return replace(signals, budget_used=await budgets.used(allowance))

    async def reserve(
        self, budgets: Budgets, journey: Journey, decision: Decision, allowance: Allowance, size: int
    ) -> Decision:
        """Hold what the request (`size` bytes) may use, and give back the decision with the targets, all of its
        own, that are covered. Raises OverBudget, OverRate, CannotCount, Blocked."""
        assert journey.call is not None  # noqa: S101  # it was read
        assert journey.signals is not None  # noqa: S101  # it was judged
        signals = journey.signals
        prompt = output = 0
        works = journey.call.dialect not in STORED  # else no model reads it now
        if works:
            prompt = prompt_tokens(size, signals.prompt_tokens, media=not signals.modality <= _TEXT)
            output = self._output_tokens(journey.call, signals)
        decision = self._priced(decision, allowance, prompt, output, journey.at)
        uppers = [
            self._upper(permit, prompt, output, journey.at) if works else _NOTHING
            for permit in decision.targets
        ]
        further = [self._upper(permit, prompt, output, journey.at) for permit in decision.escalations]
        found = ways(uppers, downgrade=allowance.downgrade)
        if further:
            found = escalating(found, further, len(uppers))
        permits = (*decision.targets, *decision.escalations)
        hold = journey.hold = await budgets.reserve(
            journey.id,
            allowance,
            found,
            prompt + output,
            {permit.model: each for permit, each in zip(permits, (*uppers, *further), strict=True)},
            self.allowances.stance,
        )
        if further and len(uppers) not in hold.targets:
            decision = replace(
                decision,
                escalations=(),
                reasons=(*decision.reasons, "without escalation: the budget does not cover a second answer"),
            )
        if hold.targets[: len(uppers)] == tuple(range(len(uppers))):
            return decision
        if 0 not in hold.targets:
            budgets.downgraded(journey.principal.tenant)
        return _kept(decision, set(hold.targets), "the budget does not cover it")

    def _output_tokens(self, call: Call, signals: Signals) -> int:
        """The most the answer is thought to have: what the client allows, or the configured figure, times `n`."""
        if call.dialect == "embeddings":
            return 0
        answers = call.document.values.get("n")
        most = signals.max_output_tokens
        if most is None:
            most = self.allowances.reserve.output_tokens
        return most * (answers if isinstance(answers, int) and answers > 1 else 1)

    def _upper(self, permit: Permit, prompt: int, output: int, at_ns: int) -> Upper:
        gpu_ns = self._gpu_ns.get(permit.model, 0)
        known = upper(self._tariffs[permit.model], prompt, output, gpu_ns, at_ns)
        return Upper(self._unpriced, gpu_micros(gpu_ns)) if known is None else known

    def _priced(
        self, decision: Decision, allowance: Allowance, prompt: int, output: int, at_ns: int
    ) -> Decision:
        """Without the models whose price is unknown, where the stance is to refuse those to budgets in dollars."""
        if self.allowances.reserve.unpriced == "estimate" or not allowance.spends_dollars:
            return decision
        priced = {
            number
            for number, permit in enumerate(decision.targets)
            if upper(self._tariffs[permit.model], prompt, output, 0, at_ns) is not None
        }
        if not priced:
            raise Blocked(
                (),
                "The prices of all models that could take this request are unknown, and this tenant's budget does "
                "not cover such models.",
            )
        return _kept(decision, priced, "its price is unknown, and the tenant has a budget")


def settle(hold: Hold, journey: Journey, line: int) -> None:
    """The request is over, and in the ledger at that line: let go, and count what all its attempts used. What has no
    known price counts as its estimate."""
    usd = gpu = tokens = 0
    for each in journey.settled:
        usage, charge = each.attempt.usage, each.charge
        usd += hold.estimate(each.attempt.permit.model) if charge.usd is None else nano_dollars(charge.usd)
        gpu += gpu_micros(each.gpu_ns or 0)
        tokens += usage.prompt + usage.generated
    hold.settle(Spent(usd, gpu, tokens), line)


def _kept(decision: Decision, kept: set[int], why: str) -> Decision:
    """The decision with some of its own targets, in its order."""
    if len(kept) == len(decision.targets):
        return decision
    left_out = [permit.model for number, permit in enumerate(decision.targets) if number not in kept]
    return replace(
        decision,
        targets=tuple(permit for number, permit in enumerate(decision.targets) if number in kept),
        dropped=(*decision.dropped, *(Dropped(model, why) for model in left_out)),
        reasons=(*decision.reasons, f"without {', '.join(left_out)}: {why}"),
    )
