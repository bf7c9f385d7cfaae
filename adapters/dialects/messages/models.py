"""What each generation of Claude can be asked for, told by its name.

A name that tells no generation (an alias, a private deployment) counts as the newest.
"""

import re
from dataclasses import dataclass
from typing import Final

_generation = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d{1,2}))?(?!\d)").search


@dataclass(frozen=True, slots=True)
class Abilities:
    """`thinking`: not at all, by a token budget, or adaptive with an effort. `schema`: answers held to a JSON
    Schema. `max_output_tokens`: asked for where the client set no limit, since the API demands one."""

    thinking: str
    schema: bool
    max_output_tokens: int
    xhigh: bool = False


_OLDEST: Final = Abilities("none", schema=False, max_output_tokens=4096)
_SINCE: Final = (  # (generation, abilities), newest first
    ((4, 7), Abilities("adaptive", schema=True, max_output_tokens=32000, xhigh=True)),
    ((4, 6), Abilities("adaptive", schema=True, max_output_tokens=32000)),
    ((4, 5), Abilities("budget", schema=True, max_output_tokens=32000)),
    ((3, 7), Abilities("budget", schema=False, max_output_tokens=32000)),
    ((3, 5), Abilities("none", schema=False, max_output_tokens=8192)),
)


def abilities(model: str) -> Abilities:
    """The abilities of a model by its upstream name, as `claude-sonnet-4-5-20250929` or `claude-3-7-sonnet`."""
    match = _generation(model)
    if match is None:
        return _SINCE[0][1]
    generation = (int(match[1]), int(match[2] or 0))
    return next((able for since, able in _SINCE if generation >= since), _OLDEST)
