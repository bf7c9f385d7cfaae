"""Each word of the condition language, compiled, against requests that meet it and requests that do not."""

import pytest

from routers.policy.conditions import ALWAYS, All, AnyOf, HasAny, Is, Not, OneOf, Within, compiled, described
from routers.sensitivity.label import Level

CASES = [
    (Within("complexity", 0.7), {"complexity": 0.7}, {"complexity": 0.69}),
    (Within("complexity", None, 0.3), {"complexity": 0.3}, {"complexity": 0.31}),
    (Within("prompt_tokens", 10, 20), {"prompt_tokens": 20}, {"prompt_tokens": 21}),
    (Within("budget_used", 0.9), {"budget_used": 1.2}, {"budget_used": 0.5}),
    (Within("level", Level.CONFIDENTIAL), {"level": "restricted"}, {"level": "internal"}),
    (OneOf("level", frozenset({Level.PUBLIC})), {"level": "public"}, {"level": "internal"}),
    (OneOf("kind", frozenset({"code", "maths"})), {"kind": "maths"}, {"kind": "chat"}),
    (OneOf("language", frozenset({"de"})), {"language": "de"}, {"language": "und"}),
    (OneOf("tenant", frozenset({"acme"})), {"tenant": "acme"}, {"tenant": "other"}),
    (OneOf("workflow", frozenset({"invoices"})), {"workflow": "invoices"}, {"workflow": ""}),
    (OneOf("model", frozenset({"gpt-4o"})), {"model": "gpt-4o"}, {"model": "auto"}),
    (HasAny("category", frozenset({"HEALTH"})), {"categories": frozenset({"HEALTH", "SOFT"})}, {}),
    (HasAny("type", frozenset({"US_SSN"})), {"types": {"US_SSN": 2}}, {"types": {"JWT": 1}}),
    (HasAny("modality", frozenset({"image"})), {"modality": frozenset({"text", "image"})}, {}),
    (Is("tools", True), {"tools": True}, {"tools": False}),
    (Is("stream", False), {"stream": False}, {"stream": True}),
    (Not(Is("stream", True)), {"stream": False}, {"stream": True}),
    (
        All((Is("tools", True), Within("complexity", 0.5))),
        {"tools": True, "complexity": 0.5},
        {"tools": True, "complexity": 0.4},
    ),
    (AnyOf((Is("tools", True), Within("complexity", 0.5))), {"complexity": 0.5}, {"complexity": 0.4}),
]


@pytest.mark.parametrize(("condition", "met", "unmet"), CASES, ids=[described(case[0]) for case in CASES])
def test_a_condition_holds_where_it_should(request_like, condition, met, unmet):
    holds = compiled(condition)
    assert holds(request_like(**met)) is True
    assert holds(request_like(**unmet)) is False


def test_no_condition_always_holds(request_like):
    assert compiled(ALWAYS)(request_like()) is True
    assert compiled(AnyOf(()))(request_like()) is False


def test_a_condition_says_itself():
    condition = All(
        (
            Within("complexity", 0.7),
            AnyOf((Is("tools", True), Is("stream", False))),
            Not(OneOf("level", frozenset({Level.PUBLIC, Level.INTERNAL}))),
        )
    )
    assert (
        described(condition)
        == "complexity at least 0.7 and (tools or no stream) and not (level public or internal)"
    )
    assert described(ALWAYS) == "always"
    assert described(Within("level", Level.INTERNAL)) == "level at least internal"
