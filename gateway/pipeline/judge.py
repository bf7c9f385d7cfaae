"""What a request is: its parsed call becomes the signals a decision rests on.

The judging itself is the routers' work and pure; here wire types are mapped to theirs, and long work
hands the loop back between slices.
"""

import asyncio
import logging
import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from adapters.call import FILING, Call
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.visible import Visible, visible
from gateway.dispatch.waves import ALONE, Waves
from gateway.pipeline.remembering import raised
from gateway.state.conversations import Words
from routers.complexity.scorer import Conversation, Score, Scorer, Turn
from routers.sensitivity.classifier import Classifier, Seen
from routers.sensitivity.detector import with_failure
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.settings import Settings
from routers.signals import Signals

LABELLING_SECONDS: Final = 60.0  # of its own: a hundred times what the largest body of prose takes
SLICE_SECONDS: Final = 0.001  # work done before other requests have their turn
CHARACTERS_PER_TOKEN: Final = 4  # of prose in the common tokenizers; an estimate until the engine reports
TOKENS_PER_MESSAGE: Final = 4  # the chat template's own
OPENING_TURNS: Final = 4  # at most: all before the user's first, and that
OPENING_CHARACTERS: Final = 2048  # of each of those: enough to tell conversations apart

_Found = TypeVar("_Found")

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
    """Read Weir's own headers and metadata keys. Raises InvalidRequest for a level that is none."""
    if not (header or metadata):
        return NO_PURPOSE

    def said(name: str, key: str) -> str:
        return header.get(name) or metadata.get(key, "")

    level = said("x-weir-sensitivity", "sensitivity")
    try:
        floor = Level.named(level) if level else None
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


class Judge:
    """Labels and scores requests with one snapshot's classifier and weights."""

    def __init__(self, classifier: Classifier, scorer: Scorer) -> None:
        self._classifier = classifier
        self.scorer: Final = scorer

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
        seen = visible(call.document.values, call.dialect)
        if known is not None:
            seen = replace(seen, opaque=tuple([kind for kind in seen.opaque if kind != "file_id"]))
        await waves
        label = await self._label(seen, highest(floor, purpose.floor))
        if known:
            label = raised(label, known)
        await waves
        score = self.scorer.score(conversation_of(seen))
        await waves
        return Judged(signals_of(call, seen, label, score, purpose, tenant, day), opening_of(seen))

    @property
    def settings(self) -> Settings:
        """What the policy chose about sensitivity."""
        return self._classifier.settings

    async def seen(self, segments: Sequence[Segment]) -> Seen:
        """What stands where, for redaction."""
        return await by_turns(self._classifier.sightings(segments))

    async def _label(self, seen: Visible, floor: Level | None) -> Label:
        try:
            return await by_turns(
                self._classifier.slices(segments_of(seen), seen.opaque, floor), LABELLING_SECONDS
            )
        except TimeoutError:
            _log.warning("labelling a request did not come to an end")
            return with_failure(Label(Level.RESTRICTED, unscanned=seen.opaque), "patterns")


async def by_turns(slices: Generator[None, None, _Found], limit: float = math.inf) -> _Found:
    """Do long work a slice at a time, so that one long prompt never holds up the others. Raises TimeoutError where
    it takes more than `limit` seconds of its own, in what it yields between; a request of few slices is not timed."""
    handed_back = time.perf_counter()
    spent = 0.0
    while True:
        try:
            next(slices)
        except StopIteration as done:
            found: _Found = done.value
            return found
        took = time.perf_counter() - handed_back
        if took > SLICE_SECONDS:
            spent += took
            if spent > limit:
                slices.close()
                raise TimeoutError
            await asyncio.sleep(0)
            handed_back = time.perf_counter()


def highest(*levels: Level | None) -> Level | None:
    """The highest of the levels that are set."""
    return max([level for level in levels if level is not None], default=None)


def segments_of(seen: Visible) -> list[Segment]:
    """The texts of a request as the sensitivity room takes them."""
    return [Segment(text, origin) for origin, text in seen.texts]


def conversation_of(seen: Visible) -> Conversation:
    """The turns of a request as the complexity room takes them."""
    return Conversation(tuple([Turn(role, text) for role, text in seen.turns]), seen.tools, seen.schema)


def opening_of(seen: Visible) -> str:
    """How a conversation began, up to what its user said first: the same at every later turn."""
    said = []
    for role, text in seen.turns[:OPENING_TURNS]:
        said.append(text[:OPENING_CHARACTERS])
        if role == "user":
            break
    return "\n".join(said)


def signals_of(
    call: Call, seen: Visible, label: Label, score: Score, purpose: Purpose, tenant: str, day: int
) -> Signals:
    """Put together what a decision rests on."""
    values, ingress = call.document.values, INGRESS[call.dialect]
    characters = sum([len(text) for _, text in seen.texts])
    tokens = (
        0
        if call.dialect in FILING
        else seen.ids + characters // CHARACTERS_PER_TOKEN + TOKENS_PER_MESSAGE * len(seen.turns)
    )
    return Signals(
        label=label,
        complexity=score.value,
        kind=score.kind,
        language=score.language,
        prompt_tokens=tokens,
        max_output_tokens=ingress.max_output_tokens(values),
        modality=ingress.modality(values),
        needs=needs_of(call),
        tools=seen.tools > 0,
        stream=call.stream,
        tenant=tenant,
        workflow=purpose.workflow,
        model=values["model"],
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
