"""Both meters say microjoules, whatever the unit they are written in."""

import pytest

from gateway.fleet.energy.dcgm import energy
from gateway.fleet.energy.nvml import MeterUnavailable, NvmlMeter

OLD = b"""# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Total energy consumption since boot (in mJ).
# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-a",device="nvidia0"} 1500
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="1",UUID="GPU-b",device="nvidia1"} 2500
"""
NEW = b"""# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_JOULES_TOTAL Total energy since boot (in J).
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_JOULES_TOTAL{gpu="0",UUID="GPU-a"} 1.5
"""


@pytest.mark.parametrize(
    ("page", "devices", "expected"),
    [
        (OLD, (), {"GPU-a": 1_500_000, "GPU-b": 2_500_000}),
        (OLD, {"1"}, {"GPU-b": 2_500_000}),
        (OLD, {"GPU-a"}, {"GPU-a": 1_500_000}),
        (OLD.replace(b"# HELP", b"# "), {"0"}, {"GPU-a": 1_500_000}),
        (OLD.replace(b"(in mJ)", b"(in J)"), {"0"}, {"GPU-a": 1_500_000_000}),
        (NEW, (), {"GPU-a": 1_500_000}),
        (NEW.split(b"\n", 1)[1], (), {"GPU-a": 1_500_000}),
        (b"", (), {}),
        (b"DCGM_FI_DEV_POWER_USAGE 1\n", (), {}),
    ],
)
def test_a_page_of_either_convention(page: bytes, devices: set[str], expected: dict[str, int]) -> None:
    assert energy(page, devices) == expected


class _NoGpuError(Exception):
    pass


class FakeNvml:
    NVMLError = _NoGpuError

    def __init__(self, *millijoules: int) -> None:
        self.millijoules = millijoules
        self.begun = False

    def nvmlInit(self) -> None:  # noqa: N802  # the library's name
        self.begun = True

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802  # as above
        if index >= len(self.millijoules):
            raise _NoGpuError("Not Found")
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802  # as above
        if self.millijoules[handle] < 0:
            raise _NoGpuError("Not Supported")
        return self.millijoules[handle]


def test_nvml_says_millijoules() -> None:
    library = FakeNvml(7, 9)
    assert NvmlMeter(library, [0, 1]).read() == {"0": 7_000, "1": 9_000}
    assert library.begun


def test_a_gpu_that_is_not_there_or_has_no_meter_is_named() -> None:
    with pytest.raises(MeterUnavailable, match="Not Found"):
        NvmlMeter(FakeNvml(1), [3])
    with pytest.raises(MeterUnavailable, match="Not Supported"):
        NvmlMeter(FakeNvml(-1), [0]).read()
