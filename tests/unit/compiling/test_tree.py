"""The cache of compiled trees holds none that failed, and none that nobody asks for."""

import os
from pathlib import Path

from compiling.tree import KEPT, forget_old

NOW = 1_800_000_000.0


def test_what_failed_or_is_old_goes(tmp_path: Path) -> None:
    for name, age in {"compiled-new": KEPT - 1, "compiled-old": KEPT + 1, "compiled-failed": None}.items():
        (tmp_path / name / "gateway").mkdir(parents=True)
        if age is not None:
            (tmp_path / name / ".complete").touch()
            os.utime(tmp_path / name / ".complete", (NOW - age, NOW - age))
    (tmp_path / "patterns-1.hsdb").touch()
    forget_old(tmp_path, NOW)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["compiled-new", "patterns-1.hsdb"]
