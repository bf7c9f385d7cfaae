"""Each word of the condition language, from YAML to the condition it becomes."""

import pytest

from gateway.configuration.language import When
from routers.policy.conditions import described
from routers.signals import Signals

CASES = [
    ({"complexity": {"at_least": 0.2, "at_most": 0.7}}, "complexity at least 0.2 and at most 0.7"),
    ({"prompt_tokens": {"at_most": 4000}}, "prompt_tokens at most 4000"),
    ({"budget_used": {"at_least": 1.5}}, "budget_used at least 1.5"),
    ({"kind": "code"}, "kind code"),
    ({"kind": ["maths", "code"]}, "kind code or maths"),
    ({"language": ["de", "und"]}, "language de or und"),
    ({"level": "restricted"}, "level restricted"),
    ({"level": ["public", "internal"]}, "level public or internal"),
    ({"level": {"at_least": "confidential"}}, "level confidential or restricted"),
    ({"level": {"at_most": "internal"}}, "level public or internal"),
    ({"category": "HEALTH"}, "category HEALTH"),
    ({"tenant": ["a", "b"]}, "tenant a or b"),
    ({"workflow": "hr"}, "workflow hr"),
    ({"model": "auto"}, "model auto"),
    ({"modality": ["image", "audio"]}, "modality audio or image"),
    ({"tools": True}, "tools"),
    ({"stream": False}, "no stream"),
    ({"tools": True, "kind": "code"}, "kind code and tools"),
    ({"any": [{"tools": True}, {"kind": "code"}]}, "tools or kind code"),
    ({"all": [{"tools": True}, {"kind": "code"}]}, "tools and kind code"),
    ({"not": {"any": [{"tools": True}, {"stream": True}]}}, "not (tools or stream)"),
]


@pytest.mark.parametrize(("written", "said"), CASES, ids=[said for _, said in CASES])
def test_what_is_written_is_what_is_meant(written, said):
    assert described(When.model_validate(written).condition()) == said


def test_every_word_is_a_fact_of_a_request_or_joins_conditions():
    """Nothing in the language asks for what signals do not hold."""
    facts = set(Signals.__slots__) | {"level", "category"}
    words = {field.alias or name for name, field in When.model_fields.items()}
    assert words - facts == {"all", "any", "not"}
    assert len(words) == len(When.model_fields)
