"""What a compiled class might do otherwise, and must not: these run against the sources, and against the compiled build
in `tests/integration/test_compiled.py`."""

import copy
import pickle
import traceback
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from types import MappingProxyType
from typing import get_type_hints

import pytest

from adapters.chat import TokenUsage
from adapters.document import InvalidDocument, parse
from adapters.errors import UpstreamError
from adapters.unhurried import parse_in_slices
from gateway.ledger.records import GpuBooking, GpuUse
from gateway.metering.series import Cell, Cells
from routers.policy.permit import Permit, is_genuine
from routers.sensitivity.label import Label, Level, Segment


def test_a_frozen_value_does_not_change() -> None:
    label = Label(Level.INTERNAL)

    with pytest.raises(FrozenInstanceError):
        label.level = Level.PUBLIC  # type: ignore[misc]  # the point
    with pytest.raises(FrozenInstanceError):
        del label.level
    assert label.level is Level.INTERNAL


def test_a_value_has_no_attributes_but_its_fields() -> None:
    with pytest.raises(AttributeError):
        Segment("text").other = 1  # type: ignore[attr-defined]  # the point


def test_a_dataclass_is_one_still() -> None:
    label = Label(Level.INTERNAL, MappingProxyType({"US_SSN": 1}), rules=("ssn",))

    assert is_dataclass(label)
    assert [field.name for field in fields(label)] == [
        "level", "types", "categories", "rules", "unscanned", "failed",
    ]  # fmt: skip
    assert label == Label(Level.INTERNAL, MappingProxyType({"US_SSN": 1}), rules=("ssn",))
    assert label != replace(label, level=Level.RESTRICTED)
    assert repr(replace(label, level=Level.RESTRICTED)).startswith(
        "Label(level=<Level.RESTRICTED: 3>, types="
    )
    assert hash(TokenUsage(input=3)) == hash(TokenUsage(input=3))


def test_its_annotations_say_all_they_said() -> None:
    assert get_type_hints(Label)["types"] == Mapping[str, int]
    assert get_type_hints(GpuBooking)["use"] == GpuUse


def test_defaults_are_made_anew_for_each() -> None:
    one, other = Label(Level.PUBLIC), Label(Level.PUBLIC)

    assert one.types == other.types == {}
    assert Label(Level.PUBLIC).types is not one.types


def test_the_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError):
        Segment()  # type: ignore[call-arg]  # the point
    with pytest.raises(TypeError):
        Segment("text", "user", "more")  # type: ignore[call-arg]  # the point


def test_a_value_travels() -> None:
    usage = TokenUsage(input=3, output=4)

    assert pickle.loads(pickle.dumps(usage)) == usage  # noqa: S301  # our own
    assert copy.copy(usage) == copy.deepcopy(usage) == usage


def test_a_permit_is_neither_made_nor_changed_nor_copied_elsewhere() -> None:
    for make in (
        lambda: Permit(object(), None, "policy"),  # type: ignore[arg-type]  # the point
        lambda: type("Forged", (Permit,), {}),
    ):
        with pytest.raises(TypeError):
            make()
    forged = object.__new__(Permit)
    assert not is_genuine(forged)
    with pytest.raises(AttributeError):
        forged.policy = "mine"
    with pytest.raises(TypeError):
        pickle.dumps(forged)


def test_an_error_is_caught_by_its_kind_and_tells_where_it_came_from() -> None:
    with pytest.raises(ValueError, match="twice") as caught:
        parse(b'{"a": 1, "a": 2}')

    assert isinstance(caught.value, InvalidDocument)
    assert caught.value.fault == "duplicate_key"
    told = "".join(traceback.format_exception(caught.value))
    assert "adapters/document.py" in told
    assert "in parse" in told
    error = UpstreamError("connect", "refused", sent=False)
    assert (str(error), error.failure, error.sent) == ("refused", "connect", False)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_body_nested_too_deeply_is_refused(opening: bytes) -> None:
    body = b'{"messages": ' + opening * 200_000

    with pytest.raises(InvalidDocument, match="nested too deeply"):
        parse(body)
    with pytest.raises(InvalidDocument, match="nested too deeply"):
        for _ in parse_in_slices(body):
            pass


def test_a_count_is_shown_as_one_and_a_measure_as_one() -> None:
    cells = Cells(Cell, "gauge", "weir_things", "Things.", ("kind",))
    cells.at("counted").value += 2
    cells.at("measured").value = 0.5

    assert list(cells.lines())[1:] == [
        'weir_things{kind="counted"} 2\n',
        'weir_things{kind="measured"} 0.5\n',
    ]
