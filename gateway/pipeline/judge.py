"""What a request is: its parsed call becomes the signals a decision rests on.

The judging itself is the routers' work and pure; here wire types are mapped to theirs, and long work
hands the loop back between slices.
"""

import asyncio
import logging
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from adapters.call import STORED, Call
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.dialects.responses.ingress import PLACE_OF_PROMPTS
from adapters.visible import Visible, visible
from gateway.dispatch.waves import ALONE, Waves
from gateway.pipeline.judging_apart import NAME, JudgingApart, Reading
from gateway.pipeline.reading import conversation_of, opening_of, segments_of, tokens_of, without_kept
from gateway.pipeline.remembering import raised
from gateway.pipeline.turns import by_turns
from gateway.state.conversations import Words
from routers.complexity.scorer import Scorer
from routers.sensitivity.classifier import Seen
from routers.sensitivity.detector import with_failure
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.settings import Settings
from routers.signals import Signals

LABELLING_SECONDS: Final = 60.0  # of its own: a hundred times what the largest body of prose takes

_log = logging.getLogger("weir.labels")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the application said of the request beside its content: headers first, body `metadata` second."""

    action: str
    workflow: str
    conversation: str
    floor: Level | None  # a client may raise a label, never lower it


NO_PURPOSE: Final = Purpose("", "", "", None)


def purpose(header: Mapping[str, str], metadata: Mapping[str, str]) -> Purpose:
    """Read Weir's own headers and metadata keys; of several levels the highest counts. Raises InvalidRequest for what
    is no level."""
    if not (header or metadata):
        return NO_PURPOSE

    def said(name: str, key: str) -> str:
        return header.get(name) or metadata.get(key, "")

    levels = (header.get("x-weir-sensitivity", ""), metadata.get("sensitivity", ""))
    claims = [claim for said_so in levels for each in said_so.split(",") if (claim := each.strip().lower())]
    try:
        floor = highest(*map(Level.named, claims))
    except KeyError:
        raise InvalidRequest(
            "The sensitivity must be one of public, internal, confidential, restricted.",
            "x-weir-sensitivity",
            "invalid_sensitivity",
        ) from None
    return Purpose(
        said("x-weir-action", "action_id"),
        said("x-weir-workflow", "workflow"),
        said("x-weir-conversation", "conversation"),
        floor,
    )


@dataclass(slots=True)  # not frozen, since it is made for every request; nobody changes one
class Judged:
    """The signals of one request, and how its conversation opened: what a weighted draw and a replica stick to."""

    signals: Signals
    opening: str = field(repr=False)


class Labels(Protocol):
    """What labels are asked of: `routers.sensitivity.classifier.Classifier`."""

    @property
    def settings(self) -> Settings:
        """What the policy chose about sensitivity."""

    def slices(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Generator[None, None, Label]:
        """The label, yielding where something else may be done."""

    def sightings(self, segments: Sequence[Segment]) -> Generator[None, None, Seen]:
        """What stands where, in slices as `slices`."""


class Judge:
    """Labels and scores requests with one snapshot's classifier and weights."""

    def __init__(
        self,
        classifier: Labels,
        scorer: Scorer,
        apart: JudgingApart | None = None,
        *,
        labelling_seconds: float = LABELLING_SECONDS,
    ) -> None:
        """`apart`: who judges the bodies that the loop is not to be kept busy with; None: none are too large. A request
        that takes longer than `labelling_seconds` of its own to label counts as the most sensitive."""
        self._classifier = classifier
        self._labelling_seconds = labelling_seconds
        self.scorer: Final = scorer
        self._apart = apart
        self._above: Final = math.inf if apart is None else apart.above  # bytes

    async def judge(
        self,
        call: Call,
        purpose: Purpose,
        tenant: str,
        floor: Level | None,
        day: int,
        waves: Waves = ALONE,
        known: Words | None = None,
    ) -> Judged:
        """The signals of one request. `floor`: the tenant's own lowest level; `day` since 1970-01-01; `waves`: the
        others that are served at the same time; `known`: what was found in the files it names when they came, where
        all of them came through Weir."""
        if purpose.floor is not None:
            floor = highest(floor, purpose.floor)
        if len(call.document.body) > self._above:
            reading = await self._read_apart(call, floor, known)
            told = (call, reading, purpose, tenant, day)
            signals = await asyncio.to_thread(signals_of, *told) if call.large else signals_of(*told)
            return Judged(signals, reading.opening)
        seen = visible(call.document.values, call.dialect, call.headers)
        if known is not None:
            seen = without_kept(seen, call.dialect)
        await waves
        label = await self._label(seen, floor)
        if known:
            label = raised(label, known)
        await waves
        reading = self._read(seen, label)
        await waves
        return Judged(signals_of(call, reading, purpose, tenant, day), reading.opening)

    @property
    def settings(self) -> Settings:
        """What the policy chose about sensitivity."""
        return self._classifier.settings

    async def seen(self, segments: Sequence[Segment]) -> Seen:
        """What stands where, for redaction."""
        return await by_turns(self._classifier.sightings(segments))

    def close(self) -> None:
        """Let go of what judges apart, once it has answered."""
        if self._apart is not None:
            self._apart.close()

    def _read(self, seen: Visible, label: Label) -> Reading:
        score = self.scorer.score(conversation_of(seen))
        return Reading(label, score, tokens_of(seen), seen.tools > 0, opening_of(seen))

    async def _read_apart(self, call: Call, floor: Level | None, known: Words | None) -> Reading:
        assert self._apart is not None  # noqa: S101  # else nothing is above what it takes
        try:
            reading = await self._apart.read(call, floor, files_known=known is not None)
        except Exception as error:  # noqa: BLE001  # whatever breaks, what was not judged counts as the most sensitive
            _log.warning(
                "a body of %d bytes was not labelled: %s", len(call.document.body), type(error).__name__
            )
            return await asyncio.to_thread(self._unjudged, call)
        if known:
            reading.label = raised(reading.label, known)
        return reading

    def _unjudged(self, call: Call) -> Reading:
        """What is known of a body that was not labelled."""
        seen = visible(call.document.values, call.dialect, call.headers)
        return self._read(seen, with_failure(Label(Level.RESTRICTED, unscanned=seen.opaque), NAME))

    async def _label(self, seen: Visible, floor: Level | None) -> Label:
        try:
            return await by_turns(
                self._classifier.slices(segments_of(seen), seen.opaque, floor), self._labelling_seconds
            )
        except TimeoutError:
            _log.warning("labelling a request did not come to an end")
            return with_failure(Label(Level.RESTRICTED, unscanned=seen.opaque), NAME)


def highest(*levels: Level | None) -> Level | None:
    """The highest of the levels that are set."""
    return max([level for level in levels if level is not None], default=None)


def signals_of(call: Call, reading: Reading, purpose: Purpose, tenant: str, day: int) -> Signals:
    """Put together what a decision rests on."""
    values, ingress, score = call.document.values, INGRESS[call.dialect], reading.score
    return Signals(
        label=reading.label,
        complexity=score.value,
        kind=score.kind,
        language=score.language,
        prompt_tokens=0 if call.dialect in STORED else reading.tokens,
        max_output_tokens=ingress.max_output_tokens(values),
        modality=ingress.modality(values),
        needs=needs_of(call),
        tools=reading.tools,
        stream=call.stream,
        tenant=tenant,
        workflow=purpose.workflow,
        model=values.get("model") or PLACE_OF_PROMPTS,
        conversation=purpose.conversation,
        day=day,
    )


_NEEDS: Final = {"file": "files", "json_object": "json_schema"}  # a wire's word to the policy's
_LEFT_TO_ADAPTERS: Final = frozenset(
    {"logprobs", "n"}
)  # no model declares these: a backend that cannot says so


def needs_of(call: Call) -> frozenset[str]:
    """The capabilities a model must declare to be given this request, in the policy's words."""
    needs = INGRESS[call.dialect].needs(call.document.values)
    if not needs:
        return needs
    return frozenset(_NEEDS.get(need, need) for need in needs if need not in _LEFT_TO_ADAPTERS)
