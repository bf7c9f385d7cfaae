"""Reads a DCGM exporter's page: joules or millijoules, as its version has it."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from gateway.fleet.engines.page import series

_NAME: Final = re.compile(rb"^(DCGM_FI_DEV_(?:TOTAL_)?ENERGY_CONSUMPTION\w*)[ {]", re.MULTILINE)
_PLAIN: Final = b"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"  # millijoules, up to 4.8


def energy(page: bytes, devices: Collection[str] = ()) -> Mapping[str, int]:
    """Microjoules by GPU (UUID, or index where the page has none), of `devices` (indices or UUIDs) or of all."""
    names = {found[1] for found in _NAME.finditer(page)}
    renamed = sorted(names - {_PLAIN})
    name = renamed[0] if renamed else _PLAIN
    scale = _microjoules(page, name)
    found: dict[str, int] = {}
    for labels, value in series(page, name):
        index, uuid = (labels.get(label, b"").decode("utf-8", "replace") for label in (b"gpu", b"UUID"))
        if not devices or index in devices or uuid in devices:
            found[uuid or index] = round(value * scale)
    return found


def _microjoules(page: bytes, name: bytes) -> int:
    """What one unit of the series is: its HELP line says so; else its name does, which changed with the unit."""
    help_line = re.search(rb"^# HELP " + re.escape(name) + rb"\s+(.*)$", page, re.MULTILINE)
    text = help_line[1].lower() if help_line else b""
    if b"mj" in text or b"millijoule" in text:
        return 1_000
    if re.search(rb"\bin j\b|joules?", text):
        return 1_000_000
    return 1_000 if name == _PLAIN else 1_000_000
