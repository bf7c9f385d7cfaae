"""The constructors that are written out for the compiler are those that `dataclass` makes."""

import inspect
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compiling import modules
from compiling.constructors import bases, written_out

ROOT = Path(__file__).resolve().parents[3]
SOURCE = '''
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Line:
    """A line."""

    kind: ClassVar[str] = "line"

    text: str
    seen: list[str] = field(default_factory=list)
    at: int = field(default=3, repr=False)
    note: str = "none"

    def shout(self) -> str:
        return self.text.upper()


@dataclass(slots=True, kw_only=True)
class Named:
    first: int
    rest: Mapping[str, int] = field(default_factory=lambda: {"a": 1})


@dataclass(slots=True)
class Base:
    x: int


@dataclass(slots=True)
class Heir(Base):
    y: int


@dataclass
class Own:
    x: int

    def __init__(self) -> None:
        self.x = 1
'''


def _loaded(source: str, name: str = "a_module") -> dict[str, Any]:
    """Run, with frozen classes thawed: compiled code sets their fields past the guard, the interpreter cannot."""
    module, source = ModuleType(name), source.replace("frozen=True", "unsafe_hash=True")
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102  # our own text
    return vars(module)


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, Any], dict[str, Any]]:
    """The module as it was written, and with its constructors written out."""
    return _loaded(SOURCE), _loaded(written_out(SOURCE, bases(SOURCE)))


def test_a_written_constructor_takes_what_the_generated_one_takes() -> None:
    before, after = SOURCE, written_out(SOURCE, bases(SOURCE))

    assert before.count("def __init__") == 1
    assert (
        after.count("def __init__") == 3
    )  # Line's and Named's beside Own's; heirs and what they inherit stay


def test_its_fields_are_the_same(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = both
    for made in both:
        assert list(inspect.signature(made["Line"]).parameters) == ["text", "seen", "at", "note"]
    assert (
        repr(before["Line"]("a", at=4))
        == repr(after["Line"]("a", at=4))
        == "Line(text='a', seen=[], note='none')"
    )
    old, new = before["Named"](first=1), after["Named"](first=1)
    assert (old.first, old.rest) == (new.first, new.rest) == (1, {"a": 1})
    assert new == after["Named"](first=1)
    assert new.rest is not after["Named"](first=1).rest
    with pytest.raises(TypeError):
        after["Named"](1)


def test_a_kind_of_field_nobody_thought_of_is_refused() -> None:
    with pytest.raises(ValueError, match="init"):
        written_out(
            "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: int = field(init=False)\n",
            set(),
        )


@pytest.mark.parametrize("name", list(modules.compiled(ROOT)))
def test_each_constructor_of_ours_has_the_generated_signature(name: str) -> None:
    source = (ROOT / name).read_text()
    if "@dataclass" not in source:
        return
    module = name.removesuffix(".py").replace("/", ".")
    before, after = (_loaded(text, module) for text in (source, written_out(source, bases(source))))
    for each, cls in before.items():
        if isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module:
            old, new = (list(inspect.signature(c).parameters.values()) for c in (cls, after[each]))
            assert [(p.name, p.kind, p.default is p.empty) for p in old] == [
                (p.name, p.kind, p.default is p.empty) for p in new
            ]
