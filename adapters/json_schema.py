"""Whether a JSON value is as a JSON Schema says, in bounded time: for answers that declared their schema.

The keywords of structured outputs are judged: types, enum and const, objects and arrays with their sizes, numbers'
and texts' bounds, combinations, and references within the schema. Others (`pattern` and `format` among them: a
client's regular expression could take for ever) are not looked at, so a value that breaks only those passes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

STEPS: Final = 20_000  # subschemas tried, and values compared; about 20 ms
DEPTH: Final = 100
_LETTERS_A_STEP: Final = 1_000  # of texts that are compared

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}
_BOUNDS: Final[
    Mapping[str, tuple[str, Callable[[Any, Any], bool]]]
] = {  # keyword → of which type, and the test
    "minimum": ("number", lambda value, bound: value >= bound),
    "maximum": ("number", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("number", lambda value, bound: value > bound),
    "exclusiveMaximum": ("number", lambda value, bound: value < bound),
    "minLength": ("string", lambda value, bound: len(value) >= bound),
    "maxLength": ("string", lambda value, bound: len(value) <= bound),
    "minItems": ("array", lambda value, bound: len(value) >= bound),
    "maxItems": ("array", lambda value, bound: len(value) <= bound),
    "minProperties": ("object", lambda value, bound: len(value) >= bound),
    "maxProperties": ("object", lambda value, bound: len(value) <= bound),
}


class _Undecided(Exception):  # noqa: N818  # it gives up; nothing failed
    """The schema asks for more steps than there are, or is none."""


def violates(value: object, schema: object) -> bool:
    """Whether the value certainly breaks the schema. A schema that cannot be followed is broken by nothing."""
    try:
        return not _Judge(schema).holds(value, schema, 0)
    except (_Undecided, TypeError, ValueError, AttributeError, KeyError, IndexError):
        return False


class _Judge:
    """One judgement, with the steps it has left."""

    __slots__ = ("_left", "_root")

    def __init__(self, root: object) -> None:
        self._root = root
        self._left = STEPS

    def holds(self, value: Any, schema: Any, depth: int) -> bool:
        self._spend(1)
        if depth > DEPTH:
            raise _Undecided
        if isinstance(schema, bool):
            return schema
        return all(self._tests(value, schema, depth + 1))

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise _Undecided

    def _tests(self, value: Any, schema: Mapping[str, Any], depth: int) -> Iterator[bool]:
        """Each thing the schema says of this value."""
        if "$ref" in schema:
            yield self.holds(value, self._followed(schema["$ref"]), depth)
        if "type" in schema:
            types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
            self._spend(len(types))
            yield any(_TYPES[name](value) for name in types)
        for keyword in ("enum", "const"):
            if keyword in schema:
                allowed = schema[keyword] if keyword == "enum" else [schema[keyword]]
                yield any(self._same(value, each) for each in allowed)
        for keyword, (kind, test) in _BOUNDS.items():
            if keyword in schema and _TYPES[kind](value):
                yield test(value, schema[keyword])
        yield from self._combined(value, schema, depth)
        if isinstance(value, dict):
            yield from self._members(value, schema, depth)
        elif isinstance(value, list):
            yield from self._entries(value, schema, depth)

    def _combined(self, value: Any, schema: Mapping[str, Any], depth: int) -> Iterator[bool]:
        for each in schema.get("allOf", ()):
            yield self.holds(value, each, depth)
        if "anyOf" in schema:
            yield any(self.holds(value, each, depth) for each in schema["anyOf"])
        if "oneOf" in schema:
            yield sum(self.holds(value, each, depth) for each in schema["oneOf"]) == 1
        if "not" in schema:
            yield not self.holds(value, schema["not"], depth)

    def _members(self, value: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Iterator[bool]:
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        required = schema.get("required", ())
        self._spend(len(required))
        yield all(name in value for name in required)
        if "patternProperties" in schema:
            others = True
        for name, member in value.items():
            yield self.holds(member, properties.get(name, others), depth)

    def _entries(self, value: Sequence[Any], schema: Mapping[str, Any], depth: int) -> Iterator[bool]:
        first, others = schema.get("prefixItems", ()), schema.get("items", True)
        for i, entry in enumerate(value):
            yield self.holds(entry, first[i] if i < len(first) else others, depth)

    def _followed(self, reference: str) -> Any:
        """What a reference within the schema points at."""
        if not reference.startswith("#"):
            raise _Undecided
        self._spend(reference.count("/"))
        found: Any = self._root
        for step in reference[1:].split("/")[1:]:
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return found

    def _same(self, one: Any, other: Any) -> bool:
        """Equal as JSON: true is not 1."""
        self._spend(1)
        match one, other:
            case dict(), dict():
                self._spend(len(one))
                return one.keys() == other.keys() and all(self._same(one[key], other[key]) for key in one)
            case list(), list():
                return len(one) == len(other) and all(map(self._same, one, other))
            case str(), str():
                self._spend(len(one) // _LETTERS_A_STEP)
        return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)
