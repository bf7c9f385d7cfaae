"""Remembers which models named conversations keep, between their turns."""

from dataclasses import replace

from adapters.declared import TALKING
from gateway.metering.prometheus import Metrics
from gateway.pipeline.course import Turn, read, written
from gateway.pipeline.journey import Journey
from gateway.state.choices import Choices
from gateway.state.claims import Gone
from gateway.state.conversations import Bounds


class Keeping:
    """Remembers between turns. Where the state cannot be asked, a turn is decided by itself."""

    def __init__(self, choices: Choices, metrics: Metrics) -> None:
        self._choices = choices
        self._metrics = metrics

    async def turn(self, journey: Journey, bounds: Bounds) -> Turn | None:
        """What is known of the conversation that the request names; None for one that talks to no model, and where
        that cannot be asked: what is not known is not to be written over."""
        if journey.ingress.dialect not in TALKING:
            return None
        try:
            said = await self._choices.recall(journey.principal.tenant, journey.purpose.conversation, bounds)
        except Gone:
            return None
        return Turn(read(said), bounds)

    async def keep(self, journey: Journey, turn: Turn) -> None:
        """Remember where the turn went: to the decision's first model, whatever answered while that was ill; or, where
        its answer was at fault, to the model that the request escalated to."""
        now, escalation, last = turn.now, journey.escalation, journey.last
        if turn.outcome is not None:
            self._metrics.affinity.at(turn.outcome).value += 1
        if now is None:
            return
        if (
            escalation is not None
            and escalation.fault
            and escalation.outcome == "answered"
            and last is not None
        ):
            now = replace(now, model=last.permit.model)
        if now == turn.before:
            return
        try:
            await self._choices.keep(
                journey.principal.tenant, journey.purpose.conversation, written(now), turn.bounds
            )
        except Gone:
            return
