"""Writes out the constructors of dataclasses, since mypyc leaves the generated ones to the interpreter.

A compiled class calls the `__init__` that `dataclass` makes through the interpreter, at twelve times the cost of a
compiled one, many times per request. So in the copy that is compiled each dataclass gets the same `__init__` as text.
The rest of `dataclass` stays: equality, hash, order, repr, `fields`, `replace`, and that a frozen one refuses changes;
with a way to be copied and pickled through the constructor, since the usual one sets field by field.
"""

import ast
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

_FREE: Final = {"Generic", "Protocol", "ABC"}  # bases without fields
_SLOTS: Final = ("slots=True, ", ", slots=True", "slots=True")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    annotation: str
    default: str | None
    factory: str | None
    kw_only: bool

    def parameter(self) -> str:
        """As it stands between the constructor's parentheses."""
        if self.factory is not None:
            return f"{self.name}: {self.annotation} | None = None"
        return f"{self.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")

    def assignment(self) -> str:
        """As it stands in the constructor's body."""
        value = (
            self.name
            if self.factory is None
            else f"({self.factory})() if {self.name} is None else {self.name}"
        )
        return f"self.{self.name} = {value}  # type: ignore[misc]  # frozen for others"


def bases(source: str) -> set[str]:
    """The names that classes of this module inherit from, without what they are qualified by."""
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return {ast.unparse(base).partition("[")[0].rpartition(".")[2] for node in classes for base in node.bases}


def written_out(source: str, inherited: Set[str]) -> str:
    """The module's text with a constructor in each dataclass that inherits no fields, nor hands any on: none of the
    names in `inherited`."""
    lines, told = source.split("\n"), []
    for node in reversed([node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]):
        decorator = next((each for each in node.decorator_list if _names(each, "dataclass")), None)
        if decorator is None or node.name in inherited or not _own(node):
            continue
        pad = " " * node.body[0].col_offset
        lines[node.end_lineno : node.end_lineno] = [pad + line for line in _constructor(node, decorator)]
        for number in range(decorator.lineno - 1, decorator.end_lineno or decorator.lineno):
            lines[number] = _without_slots(lines[number])
        if node.col_offset == 0:
            told.append(_annotations(node))
    return "\n".join([*lines, *reversed(told), ""])


def _own(node: ast.ClassDef) -> bool:
    """Whether all its fields are its own, each of a kind known here, and its constructor not written yet."""
    if any(not any(_names(base, free) for free in _FREE) for base in node.bases):
        return False
    if any(
        isinstance(each, ast.FunctionDef) and each.name in {"__init__", "__post_init__"} for each in node.body
    ):
        return False
    return any(isinstance(each, ast.AnnAssign) for each in node.body)


def _constructor(node: ast.ClassDef, decorator: ast.expr) -> list[str]:
    kw_only = isinstance(decorator, ast.Call) and any(
        each.arg == "kw_only" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in decorator.keywords
    )
    fields = [
        _field(each, kw_only=kw_only)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and not _names(each.annotation, "ClassVar")
    ]
    free = [each.parameter() for each in fields if not each.kw_only]
    named = [each.parameter() for each in fields if each.kw_only]
    parameters = ", ".join(["self", *free, *(["*", *named] if named else [])])
    written = ["", f"def __init__({parameters}) -> None:", *(f"    {each.assignment()}" for each in fields)]
    if named:
        return written
    values = "".join(f"self.{each.name}, " for each in fields)
    return [*written, "", "def __reduce__(self) -> tuple[object, ...]:", f"    return type(self), ({values})"]


def _annotations(node: ast.ClassDef) -> str:
    """Says the fields' types again: a compiled class remembers but the outermost of each."""
    found = {
        ast.unparse(each.target): ast.unparse(each.annotation)
        for each in node.body
        if isinstance(each, ast.AnnAssign)
    }
    return f'vars({node.name})["__annotations__"].update({found!r})'


def _field(node: ast.AnnAssign, *, kw_only: bool) -> _Field:
    name, annotation = ast.unparse(node.target), ast.unparse(node.annotation)
    if not (isinstance(node.value, ast.Call) and _names(node.value, "field")):
        return _Field(name, annotation, ast.unparse(node.value) if node.value else None, None, kw_only)
    options = {each.arg: ast.unparse(each.value) for each in node.value.keywords}
    if unknown := options.keys() - {"default", "default_factory", "repr", "compare", "hash", "kw_only"}:
        raise ValueError(
            f"line {node.lineno}: field({', '.join(map(str, unknown))}=...) is not known to compiling/"
        )
    own = options["kw_only"] == "True" if "kw_only" in options else kw_only
    return _Field(name, annotation, options.get("default"), options.get("default_factory"), own)


def _names(node: ast.expr, name: str) -> bool:
    """Whether the expression is this name, dotted, called or subscripted or not."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return (
        node.attr == name
        if isinstance(node, ast.Attribute)
        else isinstance(node, ast.Name) and node.id == name
    )


def _without_slots(line: str) -> str:
    """A compiled class has no __dict__ anyway, and `slots` would make a second class of it."""
    for each in _SLOTS:
        line = line.replace(each, "")
    return line
