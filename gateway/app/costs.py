"""Where the account of GPU time begins: each backend's first guess, and what earlier processes learned."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.configuration.settings import BackendSettings
from gateway.configuration.snapshot import Snapshot
from gateway.metering.gpu import hardware
from gateway.metering.gpu.facts import Coefficients, GpuBackend
from gateway.metering.gpu.learning import Memory
from gateway.state.whole_file import WholeFile

_log = logging.getLogger("weir.gpu")

_VERSION: Final = 1  # of the file
_EVERY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Guess:
    """Coefficients to begin with, and where they come from."""

    costs: Coefficients
    source: str
    neutral: bool = False  # nothing is known of the engine


def first_guess(backend: BackendSettings) -> Guess:
    """From `gpu_costs`; else from `model_config` against the GPU's data sheet; else for an engine like many."""
    if backend.gpu_costs is not None:
        step, prompt, context, attention = backend.gpu_costs
        return Guess(Coefficients(step, prompt, context, attention), "gpu_costs")
    if backend.model_sizes is None:
        return Guess(hardware.NEUTRAL, "neither `gpu_costs` nor `model_config` is set", neutral=True)
    gpu = hardware.named(backend.gpu or "")
    if gpu is None:
        known = ", ".join(hardware.GPUS)
        named = f"the GPU {backend.gpu!r} is not known" if backend.gpu else "`gpu` is not set"
        return Guess(hardware.NEUTRAL, f"{named}; known are {known}", neutral=True)
    try:
        model = hardware.model(backend.model_sizes)
    except KeyError as missing:
        return Guess(hardware.NEUTRAL, f"`model_config` has no {missing}", neutral=True)
    gpus = max(1, backend.gpus)
    return Guess(hardware.guess(model, gpu, gpus), f"model_config on {gpus} {backend.gpu}")


def gpu_backends(snapshot: Snapshot) -> list[GpuBackend]:
    """The backends whose GPU time is ours to account for."""
    models: dict[str, set[str]] = {}
    for model in snapshot.policy.models.values():
        models.setdefault(model.backend, set()).add(model.upstream)
    return [
        GpuBackend(
            each.name,
            each.replicas,
            max(1, each.gpus),
            each.usd_per_gpu_hour,
            first_guess(each).costs,
            engine=f"{' '.join(sorted(models.get(each.name, {each.name})))} on {max(1, each.gpus)} {each.gpu or 'GPU'}",
        )
        for each in snapshot.backends.values()
        if each.kind == "vllm"
    ]


class Beginnings:
    """Says where each backend's costs begin, once for each."""

    def __init__(self) -> None:
        self._said: dict[str, Guess] = {}

    def tell(self, snapshot: Snapshot) -> None:
        """Log what is new."""
        for each in snapshot.backends.values():
            if each.kind != "vllm":
                continue
            guess = first_guess(each)
            if self._said.get(each.name) == guess:
                continue
            self._said[each.name] = guess
            if guess.neutral:
                _log.warning(
                    "%s: GPU time is split by the costs of an 8B model on one H100 until its own are learned: %s "
                    "(see `weir gpu calibrate`)",
                    each.name,
                    guess.source,
                )
            else:
                _log.info("%s: GPU costs begin from %s", each.name, guess.source)


class LearnedCosts:
    """A small file beside the ledger: what engines' doings cost, as far as was learned."""

    def __init__(self, path: Path) -> None:
        self._file: Final = WholeFile(path)
        self._saved: bytes = b""

    def load(self, backends: Iterable[GpuBackend]) -> dict[str, Memory]:
        """What an earlier process learned, by `GpuBackend.learns_as`; what does not fit is left out, and said."""
        try:
            data = self._file.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log.warning("learned GPU costs cannot be read, they are learned anew: %s", error)
            return {}
        try:
            found = _memories(orjson.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("%s is not used, GPU costs are learned anew: %s", self._file.path, error)
            return {}
        for backend in backends:
            memory = found.get(backend.learns_as)
            if memory is not None and memory.guess != backend.guess:
                _log.warning(
                    "%s: what was learned of %r is not used: it began from another first guess",
                    backend.name,
                    backend.learns_as,
                )
                del found[backend.learns_as]
        return found

    def save(self, learned: Mapping[str, Memory]) -> None:
        """Replace the file, if anything changed. Blocks; raises OSError."""
        engines = {name: asdict(memory) for name, memory in learned.items() if memory.groups}
        data = orjson.dumps({"version": _VERSION, "engines": engines}, option=orjson.OPT_INDENT_2)
        if not engines or data == self._saved:
            return
        self._file.write(data)
        self._saved = data

    async def run(self, learned: Callable[[], Mapping[str, Memory]]) -> None:
        """Save now and then, for as long as the task lives."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.keep(learned())

    async def keep(self, learned: Mapping[str, Memory]) -> None:
        """Save off the loop; a full disk is said and borne."""
        try:
            await asyncio.to_thread(self.save, learned)
        except OSError as error:
            _log.warning("learned GPU costs cannot be kept: %s", error)


def _memories(kept: Mapping[str, Any]) -> dict[str, Memory]:
    if kept["version"] != _VERSION:
        raise ValueError(f"it is of version {kept['version']}, this Weir reads version {_VERSION}")
    return {name: _memory(fields) for name, fields in kept["engines"].items()}


def _memory(fields: Mapping[str, Any]) -> Memory:
    """Raises ValueError, KeyError, TypeError for anything else than a memory."""
    gram, moment = tuple(map(float, fields["gram"])), tuple(map(float, fields["moment"]))
    if len(gram) != 9 or len(moment) != 3:
        raise ValueError("its sums have another shape")
    guess = Coefficients(**{name: float(value) for name, value in fields["guess"].items()})
    return Memory(guess, int(fields["groups"]), float(fields["noise"]), gram, moment)
