"""The files that a configuration names, found from the folder its YAML stands in: certificates, prices, words …"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from adapters.transport import tls_context
from gateway.configuration.problems import Problem
from gateway.configuration.scoring import fault_of, read_weights
from gateway.configuration.settings import Authorities
from gateway.configuration.source import Route, Source, stamp
from routers.complexity.weights import BadWeights


class NamedFiles:
    """Finds and reads them; what is wrong with one becomes a problem at the place that names it."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self._source = source
        self._problems = problems
        self.files: Final[list[str]] = []  # those that are there
        self.stamps: Final[set[tuple[str, int, int, int]]] = set()  # their state before they were read

    def digests(self) -> list[str]:
        """What changes with what any of them holds."""
        return [_digest(Path(file)) for file in sorted(set(self.files))]

    def beside(self, route: Route, name: str | None) -> str | None:
        """Where the file stands that is named there; None where none is."""
        file = self._found(route, name)
        return None if file is None else str(file)

    def authorities(self, route: Route, name: str | None) -> Authorities | None:
        """The authorities that certificates are checked against."""
        file = self._found(route, name)
        if file is None:
            return None
        try:
            tls_context(str(file))
        except OSError:
            self._wrong(route, f"{file} holds no certificates that can be read", "a PEM file of authorities")
        return Authorities(str(file), _digest(file))

    def sizes(self, route: Route, name: str | None) -> dict[str, object] | None:
        """A model's `config.json`."""
        file = self._found(route, name)
        if file is None:
            return None
        sizes = _parsed(file)
        if isinstance(sizes, dict):
            return sizes
        hint = "the file `config.json` that stands beside a model's weights"
        self._wrong(route, f"{file} is not a JSON object", hint)
        return None

    def words(self, route: Route, name: str) -> list[str]:
        """A list of a deployment's own words."""
        file = self._found(route, name)
        if file is None:
            return []
        words = _parsed(file)
        if isinstance(words, list) and all(isinstance(word, str) and word.strip() for word in words):
            return words
        self._wrong(route, f"{file} is not a JSON list of words", 'like ["Project Heron"]')
        return []

    def weights(self, route: Route, name: str | None) -> bytes | None:
        """The weights of a score, known to be good."""
        file = self._found(route, name)
        if file is None:
            return None
        try:
            return read_weights(file)
        except (BadWeights, OSError) as error:
            hint = "`weir router train` and `weir router calibrate` write such files; without the key, Weir's own hold"
            self._wrong(route, f"{file}: {fault_of(error)}", hint)
            return None

    def _found(self, route: Route, name: str | None) -> Path | None:
        if name is None:
            return None
        file = Path(self._source.place(route).file).parent / name
        with suppress(OSError):  # a folder that may not be searched
            if file.is_file():
                self.files.append(str(file))
                self.stamps.update(stamp([file]))
                return file
        self._wrong(route, f"there is no file {file}")
        return None

    def _wrong(self, route: Route, message: str, suggestion: str = "") -> None:
        self._problems.append(Problem(self._source.place(route), message, suggestion))


def _parsed(file: Path) -> Any:
    """What the file holds as JSON; None where it holds none, or cannot be read."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
