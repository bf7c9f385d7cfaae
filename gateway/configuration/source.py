"""YAML files to one tree of values that still knows the file and line of each."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.configuration.problems import ConfigurationErrors, Place, Problem

SECTIONS: Final = ("zones", "backends", "models", "aliases", "tenants")  # may be spread over files
BESIDE: Final = frozenset({"prices", "discounts", "guarantees"})  # keys of files that only live in the folder
LARGEST_FILE: Final = 4 * 1024 * 1024  # bytes
MOST_VALUES: Final = 200_000  # in one file; aliases of aliases grow exponentially

Route = tuple[str | int, ...]
Stamp = tuple[tuple[str, int, int, int], ...]  # path, time of change (ns), size, inode

_VARIABLE: Final = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\{)")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml where it is there
    """YAML 1.2's core words: `no` is a country, `12:30` no number, a date is text until a field wants one."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own name


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


@dataclass(slots=True)
class Source:
    """The merged tree, and where each of its values stands. A mapping's entry stands where its key does."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Route, Place] = field(default_factory=dict)
    filled: set[Route] = field(default_factory=set)  # values that came from the environment: never shown
    files: tuple[str, ...] = ()

    def place(self, path: Route) -> Place:
        """Where a path stands, or its nearest parent that stands anywhere."""
        for length in range(len(path), 0, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found
        return Place(self.files[0] if self.files else "configuration")

    def shown(self, path: Route) -> bool:
        """Whether the value there may be repeated in a message."""
        return path not in self.filled


def read(paths: Iterable[Path], environ: Mapping[str, str], beside: Collection[str] = frozenset()) -> Source:
    """Read files, and folders' `*.yaml` and `*.yml` in the order of names. A file with no other top-level keys
    than those in `beside` has another purpose and is left out. Raises ConfigurationErrors."""
    problems: list[Problem] = []
    files = list(_files(paths, problems))
    source = Source(files=tuple(map(str, files)))
    if not files and not problems:
        problems.append(Problem(Place("configuration"), "no file is given"))
    for file in files:
        _Reader(file, environ, problems).into(source, beside)
    if problems:
        raise ConfigurationErrors(problems)
    return source


def stamp(paths: Iterable[Path]) -> Stamp:
    """The state of files, and of the YAML files in folders: it changes when any of them does, also when a
    symlink leads elsewhere. A missing file has no part in it."""
    marks: set[tuple[str, int, int, int]] = set()
    for path in paths:
        files: list[Path] = []
        with suppress(OSError):  # what cannot be looked at is as good as missing; reading it says why
            files = _yaml_files(path) if path.is_dir() else [path]
        for file in files:
            with suppress(OSError):
                state = file.stat()
                marks.add((str(file), state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(sorted(marks))


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix in {".yaml", ".yml"} and not entry.name.startswith(".")
    )


def _files(paths: Iterable[Path], problems: list[Problem]) -> Iterator[Path]:
    for path in paths:
        try:
            found = _yaml_files(path) if path.is_dir() else [path] if path.is_file() else None
        except OSError as error:
            problems.append(Problem(Place(str(path)), f"it cannot be read: {error.strerror}"))
            continue
        if not found:
            missing = "there is no such file or folder" if found is None else "the folder holds no .yaml file"
            problems.append(Problem(Place(str(path)), missing))
        yield from found or ()


class _Reader:
    """One file on its way into the tree."""

    def __init__(self, file: Path, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self._file = file
        self._environ = environ
        self._problems = problems
        self._places: dict[Route, Place] = {}
        self._filled: set[Route] = set()
        self._count = 0

    def into(self, source: Source, beside: Collection[str]) -> None:
        """Add this file's top-level keys; a key or entry that another file holds is a problem."""
        values = self._values()
        if values is None or all(key in beside for key in values):
            return
        for key, value in values.items():
            taken = source.values.get(key)
            if key not in source.values:
                source.values[key] = value
            elif key in SECTIONS and isinstance(taken, dict) and isinstance(value, dict):
                for name in taken.keys() & value.keys():
                    self._double(source, (key, name))
                taken.update(value)
            else:
                self._double(source, (key,))
        for path, place in self._places.items():
            source.places.setdefault(path, place)
        source.filled |= self._filled

    def _double(self, source: Source, path: Route) -> None:
        name = ".".join(map(str, path))
        where = (
            "give one of them another name"
            if len(path) > 1
            else f"keep it in one file; only {', '.join(SECTIONS)} may be spread over several"
        )
        self._wrong(self._places[path].line, f"`{name}` stands already at {source.place(path)}", where)

    def _wrong(self, line: int, message: str, suggestion: str = "") -> None:
        self._problems.append(Problem(Place(str(self._file), line), message, suggestion))

    def _values(self) -> dict[str, Any] | None:
        try:
            data = self._file.read_bytes()
        except OSError as error:
            self._wrong(0, f"it cannot be read: {error.strerror}")
            return None
        if len(data) > LARGEST_FILE:
            self._wrong(0, f"it is larger than {LARGEST_FILE // 1024 // 1024} MB")
            return None
        try:
            loader = _Loader(data.decode())
        except (UnicodeDecodeError, yaml.YAMLError):
            self._wrong(0, "it is not UTF-8 text")
            return None
        try:
            node = loader.get_single_node()
            value = {} if node is None else self._value(loader, node, ())
        except yaml.MarkedYAMLError as error:
            self._not_yaml(error)
            return None
        except (yaml.YAMLError, RecursionError, _TooMuch):
            self._wrong(0, "it is not YAML that Weir reads: control characters, or nested without end")
            return None
        finally:
            loader.dispose()
        if not isinstance(value, dict):
            self._wrong(1, "the file must be a mapping, like `models:` with entries under it")
            return None
        return value

    def _not_yaml(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 0
        hint = "look at quotes, colons and indentation; inside {…} and […], ${NAME} needs quotes"
        self._wrong(line, f"this is not YAML: {error.problem or error.context}", hint)

    def _value(self, loader: Any, node: yaml.Node, path: Route) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _TooMuch
        if isinstance(node, yaml.MappingNode):
            return self._mapping(loader, node, path)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for i, item in enumerate(node.value):
                self._places[(*path, i)] = self._place(item)
                items.append(self._value(loader, item, (*path, i)))
            return items
        if node.tag == "tag:yaml.org,2002:str":
            return self._interpolated(node, path)
        return loader.construct_object(node)

    def _mapping(self, loader: Any, node: yaml.MappingNode, path: Route) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged.extend(value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node])
                continue
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._wrong(key_node.start_mark.line + 1, "a key must be a plain word")
                continue
            here = (*path, key)
            if key in values:
                self._wrong(
                    key_node.start_mark.line + 1,
                    f"`{key}` stands twice in one mapping, first at line {self._places[here].line}",
                    "keep one of them: YAML readers disagree about which one counts",
                )
                continue
            self._places[here] = self._place(key_node)
            values[key] = self._value(loader, value_node, here)
        for base in merged:
            self._merge(loader, base, path, values)
        return values

    def _merge(self, loader: Any, base: yaml.Node, path: Route, values: dict[str, Any]) -> None:
        """`<<: *base`: the base's entries, where the mapping has none of that name."""
        if not isinstance(base, yaml.MappingNode):
            self._wrong(base.start_mark.line + 1, "`<<` takes a mapping")
            return
        kept = {here: place for here, place in self._places.items() if here[: len(path)] == path}
        for key, value in self._mapping(loader, base, path).items():
            values.setdefault(key, value)
        self._places.update(kept)

    def _place(self, node: yaml.Node) -> Place:
        return Place(str(self._file), node.start_mark.line + 1)

    def _interpolated(self, node: yaml.Node, path: Route) -> str:
        """`${NAME}` and `${NAME:-default}` filled in from the environment; `$$` is a dollar sign."""
        text = str(node.value)
        if "$" not in text:
            return text
        line = node.start_mark.line + 1

        def filled(found: re.Match[str]) -> str:
            name, default = found.group(1), found.group(2)
            if name is None:
                if found.group() == "$$":
                    return "$"
                self._wrong(
                    line,
                    "`${` begins no variable here",
                    "write ${NAME} or ${NAME:-default}, or $${ for the text itself",
                )
                return found.group()
            self._filled.add(path)
            value = self._environ.get(name) or default
            if value is None:
                state = "empty" if name in self._environ else "not set"
                self._wrong(
                    line,
                    f"the environment variable {name} is {state}",
                    f"set it, or give a default: ${{{name}:-…}}",
                )
                return ""
            return value

        return _VARIABLE.sub(filled, text)


class _TooMuch(Exception):  # noqa: N818  # never leaves this module
    """More values than any configuration has."""
