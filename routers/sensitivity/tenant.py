"""The tenant's own dictionary and patterns, as rules."""

import re

from routers.sensitivity.rule import Rule
from routers.sensitivity.settings import Settings
from routers.sensitivity.trigger import Trigger


def tenant_rules(settings: Settings) -> tuple[Rule, ...]:
    """A rule for each term and pattern. Raises ValueError naming a pattern that does not compile."""
    rules: list[Rule] = []
    for i, term in enumerate(settings.terms):
        words = [re.escape(word) for word in term.split()]
        if words:
            spaced = r"[\s_-]{1,3}".join(words)
            rules.append(
                Rule(
                    f"term-{i}",
                    "CUSTOM_TERM",
                    (Trigger(r"[ \t\n_-]{1,3}".join(words), (term.split()[0].lower(),)),),
                    re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE),
                    back=len(term) * 2 + 8,
                    ahead=8,
                )
            )
    for name, pattern in settings.patterns.items():
        try:
            confirm = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"sensitivity pattern {name!r} is no regular expression: {error}") from None
        rules.append(
            Rule(name, "CUSTOM_TERM", (Trigger(pattern, caseless=False),), confirm, back=200, ahead=200)
        )
    return tuple(rules)
