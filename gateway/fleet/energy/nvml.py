"""Reads this host's GPUs through NVIDIA's driver library, which `nvidia-ml-py` wraps (an optional extra)."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast


class MeterUnavailable(Exception):  # noqa: N818  # it names a state
    """The meter cannot be read on this machine, or not just now; `str()` says why."""


class Nvml(Protocol):
    """The part of the library that is used, under its own names."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None: ...  # noqa: N802  # the library's name

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any: ...  # noqa: N802  # as above

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any) -> int: ...  # noqa: N802  # as above


def installed() -> Nvml:
    """The installed library. Raises MeterUnavailable."""
    try:
        return cast(Nvml, importlib.import_module("pynvml"))
    except ImportError:
        raise MeterUnavailable("reading this host's GPUs needs nvidia-ml-py (weir-gateway[energy])") from None


class NvmlMeter:
    """Some of this host's GPUs. Every call takes well under a millisecond; they do not wait."""

    def __init__(self, library: Nvml, indices: Sequence[int]) -> None:
        """Raises MeterUnavailable where there is no driver, or no such GPU."""
        self._library = library
        try:
            library.nvmlInit()
            self._handles = {str(index): library.nvmlDeviceGetHandleByIndex(index) for index in indices}
        except library.NVMLError as error:
            raise MeterUnavailable(f"NVML: {error}") from None

    def read(self) -> Mapping[str, int]:
        """Microjoules since the driver was loaded, by GPU. Raises MeterUnavailable."""
        try:
            return {
                name: self._library.nvmlDeviceGetTotalEnergyConsumption(handle) * 1000  # mJ
                for name, handle in self._handles.items()
            }
        except self._library.NVMLError as error:
            raise MeterUnavailable(f"NVML: {error}") from None
