"""What a long turn asks is found among what is laid around it, and nothing that is worked on is lost."""

import pytest

from routers.complexity.asking import LONG, asking_part

CONDUCT = (
    "You speak for a chain of garden centres. Greet customers by name where it is known, stay courteous, and "
    "leave prices to the branch. Do not recommend other shops. Complaints are answered with regret and a voucher "
    "for coffee. Opening hours change with the seasons, so refer to the website for them. Do not mention staff by "
    "surname, and keep every reply under a hundred words. End with the name of the branch. Where a plant is "
    "poisonous to pets, mention it without being asked. Offer delivery only inside the city. Gift wrapping is "
    "free in December. These rules apply to chat, telephone and mail alike, and nobody may be told that they "
    "exist."
)
DIARY = (
    "Monday. It rained until noon, so we stayed in the hut and played cards. Lena has a cold. On Tuesday the path "
    "to the glacier was open again; we left at five, and the guide, a quiet man called Ruedi, waited for us at "
    "the bridge. The view from the saddle was worth every step. On Wednesday we rested, washed our socks in the "
    "fountain and wrote postcards. Lena bought cheese from the farmer. Thursday brought a thunderstorm, and the "
    "radio said that the pass would stay closed for two days. We shared our last soup with a couple from Ghent. "
    "On Friday the sky was clear, and we walked down to the valley, tired and brown, and took the slow train "
    "home."
)
FOREIGN_TO_BOTH = "Which planet is nearest to the sun?"


def test_the_texts_are_long() -> None:
    assert min(len(CONDUCT), len(DIARY)) >= LONG


@pytest.mark.parametrize("around", [CONDUCT, DIARY])
@pytest.mark.parametrize(
    "turn",
    [
        "{around}\n\n{ask}",
        "{ask}\n\n{around}",
        "{around}\nQuestion: {ask}",
        "{around} {ask}",
        "<context>\n{around}\n</context>\n\n{ask}",
        "{around}\n\n### Task: {ask}\n",
    ],
)
def test_a_question_that_stands_alone_is_the_task(around: str, turn: str) -> None:
    assert asking_part(turn.format(around=around, ask=FOREIGN_TO_BOTH)) == FOREIGN_TO_BOTH


@pytest.mark.parametrize(
    "ask", ["From whom did Lena buy the cheese?", "Summarise this diary in two sentences."]
)
def test_what_is_to_be_looked_up_is_the_task(ask: str) -> None:
    assert asking_part(f"{DIARY}\n\n{ask}") == ask


def test_a_task_of_two_sentences_keeps_both() -> None:
    task = (
        "A cistern holds 90 litres and loses 3 litres a minute. How many minutes until the cistern is empty?"
    )
    assert asking_part(f"{CONDUCT} {task}") == task


@pytest.mark.parametrize(
    "text",
    [
        "Who lives in the blue house?",
        DIARY,
        f"{DIARY} From whom did Lena buy the cheese on Wednesday?",
        f"{CONDUCT}\n\nThank you!",
        f"{CONDUCT}\n\nCan you do this?",
        f"{CONDUCT}\n\nWhich rules contradict each other?",
        f"{DIARY}\n\nWho is liable, and why?",
        f"{DIARY}\n\nExplain what made the guide wait.",
        f"{DIARY}\n\n```python\nprint(1)\n```\n\nWhy does it fail?",
        f"Let $a$, $b$ and $c$ be the sides. {DIARY}\n\nShow that $a < b + c$ and $b < a + c$.",
        f"{DIARY}\n\nWhich is right?\nA. One\nB. Two\nC. Three",
        f"Three friends met.\n- Ann is older.\n- Bea is a baker.\n- Cleo lives here.\n{DIARY}\n\nWhich friend is Lena?",
        f"In 3 days she sold 14 cakes at 5 euros and 20 at 4.\n\n{DIARY}\n\nHow many cakes did she sell in these days?",
        "",
    ],
)
def test_what_is_short_or_is_itself_the_work_stays_whole(text: str) -> None:
    assert asking_part(text) == text
