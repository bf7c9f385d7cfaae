"""Finds what only shows once an object is made: an interpreted class cannot inherit from a compiled one."""

import ast
from collections.abc import Iterator
from pathlib import Path

from compiling.modules import PACKAGES, compiled


def interpreted_heirs(root: Path) -> Iterator[str]:
    """Each interpreted class below `root` that inherits from a compiled one, as a sentence."""
    names = set(compiled(root))
    native = {
        (_module(name), node.name)
        for name in names
        for node in ast.parse((root / name).read_text()).body
        if isinstance(node, ast.ClassDef) and not _protocol(node)
    }
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name not in names:
                yield from (f"{name}: {heir}" for heir in _heirs(ast.parse(path.read_text()), native))


def _heirs(tree: ast.Module, native: set[tuple[str, str]]) -> Iterator[str]:
    imported = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                if _origin(base, imported) in native:
                    yield f"{node.name} inherits from {ast.unparse(base)}"


def _origin(base: ast.expr, imported: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The module and name of a base, as far as imports tell."""
    holder, _, name = ast.unparse(base).partition("[")[0].rpartition(".")
    if holder:
        return (".".join(imported.get(holder, ("", ""))), name)
    return imported.get(name, ("", ""))


def _module(name: str) -> str:
    return name.removesuffix(".py").replace("/", ".")


def _protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).startswith("Protocol") for base in node.bases)
