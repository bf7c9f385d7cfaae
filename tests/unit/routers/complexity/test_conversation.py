"""Which words are judged: the last task, with what it leans on, and never the boilerplate around it."""

import pytest

from routers.complexity.conversation import READ, Conversation, Turn, last_tasks

TASK = "Derive the closed form of the Fibonacci numbers from their generating function, and prove each step of it."


def said(*turns: tuple[str, str]) -> Conversation:
    return Conversation(tuple(Turn(role, text) for role, text in turns))


def test_a_plain_turn_is_the_task() -> None:
    (task,) = last_tasks(said(("system", "Be brief."), ("user", TASK)))
    assert (task.text, task.turns, task.chars) == (TASK, 0, len(TASK))


def test_tool_results_after_the_question_leave_it_the_task() -> None:
    (task,) = last_tasks(said(("user", TASK), ("assistant", ""), ("tool", "0 1 1 2 3 5")))
    assert task.text == TASK


def test_a_yes_means_what_was_proposed() -> None:
    whole, alone = last_tasks(
        said(("user", TASK), ("assistant", "Done. Shall I also bound the error term?"), ("user", "yes"))
    )
    assert "bound the error term" in whole.text
    assert alone.text == TASK


@pytest.mark.parametrize(
    "reply",
    [
        "Klar, mach das!",
        "sí, por favor",
        "please proceed with option 2",
        "なるほど、お願いします",
        "the longer one",
    ],
)
def test_any_short_reply_to_a_question_means_what_was_asked(reply: str) -> None:
    whole, alone = last_tasks(
        said(("user", TASK), ("assistant", "Shall I bound the error?"), ("user", reply))
    )
    assert "bound the error" in whole.text
    assert alone.text == TASK


@pytest.mark.parametrize(
    "text", ["No, thanks!", "What is the time in Tokyo?", "Tell me a joke about Rome. " * 3]
)
def test_a_question_a_thank_you_or_a_longer_turn_answers_nothing(text: str) -> None:
    turns = ("user", TASK), ("assistant", "Shall I bound the error?"), ("user", text)
    assert [task.text for task in last_tasks(said(*turns))] == [text]


def test_a_chain_of_follow_ups_reaches_back() -> None:
    turns = [
        ("user", TASK),
        ("assistant", "…"),
        ("user", "continue"),
        ("assistant", "…"),
        ("user", "and then?"),
    ]
    assert last_tasks(said(*turns))[1].text == TASK


@pytest.mark.parametrize("text", ["thanks!", "Thank you, great"])
def test_thanks_ask_for_nothing_hard(text: str) -> None:
    assert [task.text for task in last_tasks(said(("user", TASK), ("assistant", "…"), ("user", text)))] == [
        text
    ]


def test_rules_are_read_only_where_nobody_else_spoke() -> None:
    assert (
        last_tasks(
            said(
                ("system", "Translate what follows."),
            )
        )[0].text
        == "Translate what follows."
    )
    assert last_tasks(said(("system", "Be brief."), ("assistant", "Hello.")))[0].text == "Hello."


def test_a_long_task_is_read_at_both_ends_but_counted_whole() -> None:
    text = "start " + "x" * 100_000 + " end"
    (task,) = last_tasks(said(("user", text)))
    assert task.text.startswith("start")
    assert task.text.endswith("end")
    assert len(task.text) <= READ + 1
    assert task.chars == len(text)
