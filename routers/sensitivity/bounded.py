"""How long `re` could take over an expression that somebody else wrote, told from the expression alone.

`re` tries one way after another. How many ways there are is counted here, from above: those of what stands in a row
multiply, those of a repeated group are raised to how often it may come. What is counted to be few is sure to end soon.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

ENDLESS: Final = 10**12  # as good as for ever
_parser: Any = import_module("re._parser")  # Python's own reading of an expression, as a tree
_REPEATS: Final = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


def ways(pattern: str, length: int) -> int:
    """At most so many ways to match at one place of a text of `length` code points; ENDLESS where they cannot be
    counted. Raises re.error."""
    return _in_a_row(_parser.parse(pattern), length)


def _in_a_row(items: Iterable[Any], length: int) -> int:
    found = 1
    for operation, argument in items:
        found = min(ENDLESS, found * _ways(str(operation), argument, length))
    return found


def _ways(operation: str, argument: Any, length: int) -> int:
    if operation in _REPEATS:
        least: int = argument[0]
        most: int = argument[1]
        item = argument[2]
        return _repeated(least, min(int(most), length), _in_a_row(item, length))
    match operation:
        case "SUBPATTERN":
            return _in_a_row(argument[-1], length)
        case "ATOMIC_GROUP":
            return _in_a_row(argument, length)
        case "BRANCH":
            return min(ENDLESS, sum(_in_a_row(branch, length) for branch in argument[1]))
        case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN" | "RANGE" | "CATEGORY" | "AT":
            return 1
    return ENDLESS  # looks around or back: not counted


def _repeated(least: int, most: int, each: int) -> int:
    """Ways of something that has `each`, from `least` to `most` times."""
    if each == 1:
        return max(1, most - least + 1)
    if most > 40:  # two to the fortieth is ENDLESS already
        return ENDLESS
    found: int = sum(each**times for times in range(least, most + 1))
    return min(ENDLESS, found)
