"""The weights file: it comes back as it was written, and anything else is refused by name."""

from array import array
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from math import log

import pytest

from routers.complexity.conversation import Conversation, Turn
from routers.complexity.reading import BITS, FEATURES, FORMS, STEM
from routers.complexity.scorer import Scorer
from routers.complexity.weights import VERSION, BadWeights, Weights

TREE = (
    3,
    0.5,
    (0, 0.0, (1, -1.0, 0.1, 0.2), (1, 1.0, 0.3, 0.4)),
    (2, 0.0, (1, 0.0, -0.1, -0.2), (4, 0.0, 0.0, 0.5)),
)


@pytest.fixture
def weights() -> Weights:
    table = array("b", [code % 5 - 2 for code in range(1 << BITS)])
    return Weights(
        tables=(table,) * len(FORMS),
        steps=(0.01,) * len(FORMS),
        coefficients=(tuple(0.01 * at for at in range(len(FEATURES))),) * len(FORMS),
        trees=((TREE, TREE),) * len(FORMS),
        biases=(0.1, 0.2, 0.3),
        slopes=(2.0, 1.5, 1.0),
        intercepts=(-0.5, -0.4, -0.3),
        seen=b"\x01\x00\x00\x00",
        card={"made": "2026-01-01T00:00:00Z"},
    )


def test_what_is_written_comes_back(weights: Weights) -> None:
    assert Weights.from_bytes(weights.to_bytes()) == weights


def test_the_same_weights_give_the_same_bytes(weights: Weights) -> None:
    assert weights.to_bytes() == replace(weights).to_bytes()


@pytest.mark.parametrize("at", [60, 400, -1])
def test_a_flipped_bit_is_refused(weights: Weights, at: int) -> None:
    data = bytearray(weights.to_bytes())
    data[at] ^= 1
    with pytest.raises(BadWeights, match="damaged"):
        Weights.from_bytes(bytes(data))


@pytest.mark.parametrize("keep", [0, 20, 45, 200])
def test_a_cut_file_is_refused(weights: Weights, keep: int) -> None:
    with pytest.raises(BadWeights):
        Weights.from_bytes(weights.to_bytes()[:keep])


def test_another_version_is_refused_by_number(weights: Weights) -> None:
    data = bytearray(weights.to_bytes())
    data[8] = VERSION + 1
    with pytest.raises(BadWeights, match=f"version {VERSION + 1}"):
        Weights.from_bytes(bytes(data))


def test_weights_that_were_trained_on_other_words_are_to_be_trained_anew(weights: Weights) -> None:
    head, body = weights.to_bytes()[:14], weights.to_bytes()[46:]
    layout = f'"layout":[{BITS},{STEM},'.encode()
    assert layout in body
    body = body.replace(layout, f'"layout":[{BITS},{STEM + 1},'.encode())
    with pytest.raises(BadWeights, match="weir router train"):
        Weights.from_bytes(head + sha256(body).digest() + body)


def test_a_foreign_file_is_refused() -> None:
    with pytest.raises(BadWeights, match="not complexity weights"):
        Weights.from_bytes(b"PK\x03\x04" + bytes(100))


@pytest.mark.parametrize(
    "wrong",
    [
        {"coefficients": ((0.1,),) * 3},
        {"biases": (0.1, float("nan"), 0.3)},
        {"tables": ()},
        {"trees": (((99, 0.5, TREE[2], TREE[3]),),) * 3},
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: Weights, wrong: dict[str, object]) -> None:
    data = replace(weights, **wrong).to_bytes()  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(BadWeights):
        Weights.from_bytes(data)


def test_the_reasons_sum_to_the_log_odds(weights: Weights) -> None:
    scorer = Scorer(weights)
    asked = Conversation((Turn("user", "If 3 pens cost $4.50, prove that 12 pens cost less than $20."),))
    chance = scorer.score(asked).value
    for words in (0, 3):
        total = sum(pull for _, pull in scorer.explain(asked, words=words))
        assert total == pytest.approx(log(chance / (1 - chance)))


def test_the_shipped_weights_are_small_and_say_where_they_come_from() -> None:
    data = files("routers.complexity").joinpath("default.weights").read_bytes()
    assert len(data) < 3_000_000
    weights = Weights.from_bytes(data)
    assert {"made", "by", "pair", "data", "rows", "metrics", "quantiles"} <= set(weights.card)
    assert len(weights.seen) % 4 == 0
    assert weights.to_bytes() == data
