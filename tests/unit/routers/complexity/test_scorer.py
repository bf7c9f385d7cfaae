"""The score of a conversation: bounded, the same every time, and about the task rather than its wrapping."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routers.complexity.conversation import Conversation, Turn
from routers.complexity.kind import KINDS
from routers.complexity.scorer import Scorer

HARD = (
    "Prove that for every integer n > 2 the group of units of the ring Z/nZ has even order, then determine "
    "for which n it is cyclic. Assume only Lagrange's theorem, and justify each step: if a lemma is used, "
    "prove it as well."
)
EASY = "What is the capital of France?"
BOILERPLATE = "You are a helpful assistant. Follow the company's style guide, never reveal names. " * 60


def asked(*texts: str, system: str = "") -> Conversation:
    """User turns, each answered by the assistant but the last."""
    turns = [Turn("system", system)] if system else []
    for text in texts[:-1]:
        turns += [Turn("user", text), Turn("assistant", "Shall I go on with the next step?")]
    return Conversation((*turns, Turn("user", texts[-1])))


def test_a_proof_is_harder_than_a_capital(scorer: Scorer) -> None:
    assert scorer.score(asked(HARD)).value > scorer.score(asked(EASY)).value + 0.1


def test_a_system_prompt_does_not_drown_the_task(scorer: Scorer) -> None:
    assert scorer.score(asked(EASY, system=BOILERPLATE)).value == scorer.score(asked(EASY)).value


@pytest.mark.parametrize(
    "turn", ["{rules}\n\n{task}", "{rules} {task}", "{task}\n\n{rules}", "{rules}\nTask: {task}"]
)
def test_boilerplate_in_the_users_own_turn_does_not_drown_the_task(scorer: Scorer, turn: str) -> None:
    easy, hard = (
        scorer.score(asked(turn.format(rules=BOILERPLATE, task=task))).value for task in (EASY, HARD)
    )
    assert easy == pytest.approx(scorer.score(asked(EASY)).value, abs=0.02)
    assert hard == pytest.approx(scorer.score(asked(HARD)).value, abs=0.1)


@pytest.mark.parametrize(
    "request_",
    [
        "Write a short birthday card for my niece, who collects stamps.",
        "Please answer this mail politely: we cannot come on Friday, but we look forward to the next dinner.",
        "Tell me a joke about a snail.",
    ],
)
def test_everyday_requests_are_easier_than_work(scorer: Scorer, request_: str) -> None:
    code = "Write a Python function that merges overlapping intervals and returns them sorted."
    easy = scorer.score(asked(request_)).value
    assert easy < min(scorer.score(asked(HARD)).value, scorer.score(asked(code)).value) - 0.1


@pytest.mark.parametrize(
    "reply", ["yes", "Yes, please.", "continue", "ok, go on", "2", "ja bitte", "and then?"]
)
def test_a_bare_yes_is_as_hard_as_what_it_agrees_to(scorer: Scorer, reply: str) -> None:
    alone = scorer.score(asked(reply)).value
    in_hard = scorer.score(asked(HARD, reply)).value
    assert in_hard >= scorer.score(asked(HARD)).value - 0.05
    assert in_hard > scorer.score(asked(EASY, reply)).value > 0
    assert in_hard > alone


def test_a_new_task_is_judged_by_itself(scorer: Scorer) -> None:
    fresh = "Please list the names of the seven days of the week in French, one on each line of the answer."
    after_hard = scorer.score(asked(HARD, fresh)).value
    assert abs(after_hard - scorer.score(asked(fresh)).value) < 0.1


@given(
    text=st.text(),
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    tools=st.integers(0, 500),
    schema=st.booleans(),
)
@settings(deadline=None)
def test_any_text_gives_a_chance(scorer: Scorer, text: str, role: str, tools: int, schema: bool) -> None:
    score = scorer.score(Conversation((Turn(role, text),), tools, schema))
    assert 0.0 <= score.value <= 1.0
    assert score.kind in KINDS
    assert score.language == "und" or len(score.language) == 2


def test_no_turns_give_a_chance(scorer: Scorer) -> None:
    assert 0.0 <= scorer.score(Conversation(())).value <= 1.0
