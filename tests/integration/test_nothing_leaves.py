"""Random policies, labels and failures through a whole Weir: no protected request reaches a stand-in outside.

The oracle is written from what boundaries promise and shares no code with the policy. It judges by what
each request truly is, not by the label it got; backends fail, detection breaks, and the policy is replaced
between two attempts of one request.
"""

import asyncio
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.dispatch.job import Engines
from gateway.pipeline.detecting import Panel, Stationed
from gateway.pipeline.judge import Judge
from routers.policy.facts import Zone
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import FAULTS as FAULTY
from routers.policy.policy import Escalate, Policy, Route
from routers.sensitivity.classifier import Classifier
from routers.sensitivity.detector import Span
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.settings import Settings
from tests.integration.sandboxed import Sandboxed

OUTSIDE: Final = {"openai": "gpt", "anthropic": "claude"}  # stand-in → its model
IMAGE: Final = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
# What each text truly is: its level and categories; None: it may hold any category.
TRUTHS: Final[dict[str, tuple[Any, Level, frozenset[str] | None]]] = {
    "hello": ("Say hello.", Level.INTERNAL, frozenset()),
    "number": ("My SSN is 536-22-8741, file my form.", Level.RESTRICTED, frozenset({"GOV_ID"})),
    "mail": ("Write to jane.miller@acme-widgets.com.", Level.CONFIDENTIAL, frozenset({"CONTACT"})),
    "image": (IMAGE, Level.RESTRICTED, None),
}
VALUES: Final = {"number": b"536-22-8741", "mail": b"jane.miller@acme-widgets.com"}  # what can be redacted
LEVELS: Final = st.sampled_from(Level)
NAMES: Final = st.sampled_from(["llama", "gpt", "claude"])
ORDER: Final = st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple)
FAULTS: Final = st.sampled_from(["none", "none", "500", "429", "refuse", "garbage", "empty", "refusal"])
FACTS: Final = st.tuples(
    st.sampled_from(["EU", "US", None]), st.sampled_from([None, 0, 30]), st.frozensets(st.just("soc2"))
)
BOUNDARIES: Final = st.lists(
    st.builds(
        Boundary,
        name=st.sampled_from(["one", "two"]),
        only=st.builds(Only, inside=st.just(True))
        | st.builds(Only, jurisdictions=st.just(frozenset({"EU"})))
        | st.builds(Only, retention_at_most=st.just(7), certified=st.frozensets(st.just("soc2"))),
        data=st.none()
        | st.builds(Data, at_least=LEVELS)
        | st.builds(
            Data, categories=st.frozensets(st.sampled_from(["GOV_ID", "CONTACT", "HEALTH"]), min_size=1)
        ),
        tenants=st.sampled_from([None, None, None, frozenset({"acme"}), frozenset({"globex"})]),
        redacted=st.sampled_from([False, True, True]),
    ),
    min_size=1,
    max_size=2,
)


class BrokenEngine:
    """A pattern engine that crashes, or answers what is no answer."""

    hints = False  # as engines say whether they look for words that claim numbers

    def __init__(self, how: str) -> None:
        self._how = how

    def scan(self, text: str) -> Any:
        if self._how == "crash":
            raise RuntimeError("the engine is gone")
        answers = {"words": ["nonsense"], "far": [(10**9, 10**9)], "types": [("a", None)]}
        return answers.get(self._how)  # "none": it does not answer


class EndlessClassifier:
    """Never comes to an end."""

    settings = Settings()

    def slices(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Generator[None, None, Label]:
        while True:
            yield

    sightings = slices


class BrokenDetector:
    """A further detector that crashes, hangs, answers what is no answer, or lies that there is nothing."""

    name = "broken"

    def __init__(self, how: str) -> None:
        self._how = how

    async def scan(self, segments: Sequence[Segment]) -> Any:
        if self._how == "crash":
            raise RuntimeError("the detector is gone")
        if self._how == "hang":
            await asyncio.sleep(60)
        return {"lies": [], "words": "nonsense", "none": None, "far": [Span("URL", 99, 0, 1)]}.get(self._how)

    async def aclose(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Case:
    """One policy of the two that may be in force."""

    boundaries: list[Boundary]
    air_gapped: bool
    routes: list[Route]


ROUTES: Final = st.builds(
    lambda use, spare, weighted, better: [
        Route("only", use, tuple(1.0 for _ in use) if weighted else None, spare, escalate=better),
    ],
    ORDER,
    ORDER | st.just(()),
    st.booleans(),
    st.none() | st.builds(Escalate, ORDER, st.just(frozenset(FAULTY))),
)
CASES: Final = st.builds(Case, BOUNDARIES, st.sampled_from([False] * 7 + [True]), ROUTES)


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    running = Sandboxed(tmp_path_factory.mktemp("weir"))
    yield running
    running.stop()


def may_leave_redacted(
    case: Case, zone: Zone, truth: tuple[Level, frozenset[str] | None], claimed: Level
) -> bool:
    """The oracle of the redacted form: nothing is left of the truth but what a client claimed, and boundaries that know
    no redaction hold as ever."""
    firm = replace(case, boundaries=[each for each in case.boundaries if not each.redacted])
    return may_leave(firm, zone, *truth) and may_leave(case, zone, claimed, frozenset())


def may_leave(case: Case, zone: Zone, level: Level, categories: frozenset[str] | None) -> bool:
    """The oracle: whether tenant acme's data of that kind may go to that zone outside."""
    if case.air_gapped:
        return False
    for boundary in case.boundaries:
        if boundary.tenants == {"globex"}:
            continue
        data, only = boundary.data, boundary.only
        if data is not None and data.at_least is not None and level < data.at_least:
            continue
        asked = data.categories if data is not None else None
        if asked is not None and categories is not None and not asked & categories:
            continue
        if only.inside:
            return False
        if only.jurisdictions is not None and zone.jurisdiction != "EU":
            return False
        if only.retention_at_most is not None and (zone.retention_days is None or zone.retention_days > 7):
            return False
        if "soc2" in only.certified and "soc2" not in zone.certified:
            return False
    return True


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    cases=st.tuples(CASES, CASES),
    facts=st.fixed_dictionaries(dict.fromkeys(OUTSIDE, FACTS)),
    text=st.sampled_from([*sorted(TRUTHS), *sorted(VALUES)]),
    floor=st.none() | LEVELS,
    asked=st.sampled_from(["auto", "auto", "gpt", "claude", "llama"]),
    faults=st.tuples(FAULTS, FAULTS, FAULTS),
    broken=st.sampled_from(["", "", "", "", "crash", "words", "far", "types", "none", "endless"]),
    deaf=st.sampled_from([*[""] * 8, "crash", "hang", "words", "none", "far", "lies"]),
    swap=st.sampled_from([None, 0, 1]),
    stream=st.booleans(),
    down=st.booleans(),
)
def test_no_protected_request_reaches_an_outside_stand_in(
    weir: Sandboxed, cases, facts, text, floor, asked, faults, broken, deaf, swap, stream, down
) -> None:
    content, level, categories = TRUTHS[text]
    claimed = max(Level.INTERNAL, Level.INTERNAL if floor is None else floor)
    level = max(level, claimed)
    value = VALUES.get(text)
    if broken or deaf not in ("", "lies"):  # what detection did not judge may hold anything
        level, categories, value = Level.RESTRICTED, None, None
    zones = {
        name: Zone(name, False, law, days, certified=certified)
        for name, (law, days, certified) in facts.items()
    }
    weir.calm()
    arrange(weir, cases, zones, (broken, deaf), swap)
    for part, fault in zip(weir.sandbox.stand_ins, faults, strict=True):
        weir.run(part.fault(fault))
    if down:
        weir.run(weir.sandbox.vllm.down())
    try:
        headers = {} if floor is None else {"x_weir_sensitivity": str(floor)}
        messages = [{"role": "user", "content": content}]
        weir.post(
            {"model": asked, "messages": messages, "max_tokens": 4, "stream": stream}, key=weir.key, **headers
        )
    finally:
        if down:
            weir.run(weir.sandbox.vllm.up())
    for part, name in ((weir.sandbox.openai, "openai"), (weir.sandbox.anthropic, "anthropic")):
        inforce = cases if swap == 0 else cases[:1]
        for sent in part.received:
            if value is None or value in sent.body:
                event("left, as it may")
                assert all(may_leave(case, zones[name], level, categories) for case in inforce)
            else:
                event("left redacted, as it may")
                truth = (level, categories)
                assert all(may_leave_redacted(case, zones[name], truth, claimed) for case in inforce)
        if not may_leave(cases[0], zones[name], level, categories):
            event("protected")


def arrange(
    weir: Sandboxed,
    cases: tuple[Case, Case],
    zones: dict[str, Zone],
    wrong: tuple[str, str],
    swap: int | None,
) -> None:
    """Put the first policy in force, and the second from attempt number `swap` on."""
    before, (broken, deaf) = weir.service.runtime, wrong
    policies = [policy_of(before.engines.policy, case, zones, f"{i:012x}") for i, case in enumerate(cases)]
    engines = [Engines(policy, before.engines.backends) for policy in policies]
    judge = before.judge if not hasattr(weir, "sound") else weir.sound
    weir.sound = judge  # type: ignore[attr-defined]  # kept from the first example for the next
    if broken == "endless":
        judge = Judge(EndlessClassifier(), judge.scorer, labelling_seconds=0.02)  # type: ignore[arg-type]  # as below
    elif broken:
        judge = Judge(Classifier(Settings(), BrokenEngine(broken)), judge.scorer)  # type: ignore[arg-type]  # broken on purpose
    station = [Stationed(BrokenDetector(deaf), Zone("home", True), 0.02)] if deaf else []
    panel = Panel(station, Settings(), policies[0])
    weir.service._runtime = replace(before, engines=engines[0], judge=judge, panel=panel)
    calls = iter(range(10**6))
    lock = threading.Lock()

    def current() -> Engines:
        with lock:
            return engines[swap is not None and next(calls) >= swap]

    weir.service.pipeline._dispatcher._current = current


def policy_of(shape: Policy, case: Case, zones: dict[str, Zone], digest: str) -> Policy:
    """The drawn policy over the models that stand behind the stand-ins."""
    models = {
        name: replace(model, zone=zones.get(model.backend, model.zone), can=model.can | {"vision"})
        for name, model in shape.models.items()
    }
    return Policy(
        models,
        case.boundaries,
        case.routes,
        {"auto": "routed"},
        digest=digest,
        air_gapped=case.air_gapped,
    )
