"""The tenant's own dictionary, as rules."""

import re

from routers.sensitivity.rule import Rule
from routers.sensitivity.settings import Settings
from routers.sensitivity.trigger import Trigger, lowered


def tenant_rules(settings: Settings) -> tuple[Rule, ...]:
    """A rule for each term."""
    rules: list[Rule] = []
    for i, term in enumerate(settings.terms):
        words = [re.escape(word) for word in term.split()]
        if words:
            spaced = r"[\s_-]{1,3}".join(words)
            rules.append(
                Rule(
                    f"term-{i}",
                    "CUSTOM_TERM",
                    (Trigger(r"[ \t\n_-]{1,3}".join(words), (lowered(term.split()[0]),)),),
                    re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE),
                    back=len(term) * 2 + 8,
                    ahead=8,
                )
            )
    return tuple(rules)
