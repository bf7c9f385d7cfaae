"""The real `nvidia-ml-py` reads a driver library of our own making: its names, types and error codes are NVIDIA's."""

import ctypes
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.fleet.energy.nvml import MeterUnavailable, NvmlMeter, installed

pynvml = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")

SUCCESS, INVALID_ARGUMENT, NOT_SUPPORTED = 0, 2, 3  # nvml.h


def exported(types: tuple[Any, ...], function: Callable[..., int]) -> Any:
    """A C function that returns an nvmlReturn_t."""
    return ctypes.CFUNCTYPE(ctypes.c_int, *types)(function)


def driver(millijoules: list[int | None]) -> SimpleNamespace:
    """`libnvidia-ml.so.1` of a host with so many GPUs; None: one that is too old to have a meter."""

    def handle(index: int, found: Any) -> int:
        if index >= len(millijoules):
            return INVALID_ARGUMENT
        ctypes.cast(found, ctypes.POINTER(ctypes.c_void_p))[0] = index + 1  # an address to the caller
        return SUCCESS

    def energy(device: int, found: Any) -> int:
        used = millijoules[device - 1]
        if used is None:
            return NOT_SUPPORTED
        ctypes.cast(found, ctypes.POINTER(ctypes.c_ulonglong))[0] = used
        return SUCCESS

    text = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_int)
    return SimpleNamespace(
        nvmlInitWithFlags=exported((ctypes.c_uint,), lambda _: SUCCESS),
        nvmlDeviceGetHandleByIndex_v2=exported((ctypes.c_uint, ctypes.c_void_p), handle),
        nvmlDeviceGetTotalEnergyConsumption=exported((ctypes.c_void_p, ctypes.c_void_p), energy),
        nvmlErrorString=text(lambda code: {2: b"Invalid Argument", 3: b"Not Supported"}[code]),
    )


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int | None]]:
    """The meters of a host's GPUs, as its driver has them."""
    meters: list[int | None] = [7_000_000_000_123, 42, None]
    monkeypatch.setattr(pynvml, "nvmlLib", driver(meters))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    yield meters
    pynvml._nvmlGetFunctionPointer_cache.clear()


def test_the_real_library_is_read_in_microjoules(host: list[int | None]) -> None:
    meter = NvmlMeter(installed(), [0, 1])
    assert meter.read() == {"0": 7_000_000_000_123_000, "1": 42_000}
    host[1] = 43
    assert meter.read()["1"] == 43_000


def test_its_errors_say_why(host: list[int | None]) -> None:
    with pytest.raises(MeterUnavailable, match="Not Supported"):
        NvmlMeter(installed(), [2]).read()
    with pytest.raises(MeterUnavailable, match="Invalid Argument"):
        NvmlMeter(installed(), [len(host)])


def test_a_host_without_a_driver_is_no_surprise(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise OSError("libnvidia-ml.so.1: cannot open shared object file")

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "CDLL", missing)
    with pytest.raises(MeterUnavailable, match="NVML"):
        NvmlMeter(installed(), [0])
