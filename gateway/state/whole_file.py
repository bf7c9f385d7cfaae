"""Small files that are replaced whole: whatever is killed, and whenever, what stands is the old text or the new one."""

import contextlib
import os
import threading
from pathlib import Path
from typing import Final


class WholeFile:
    """One such file, for its owner's eyes. It is written by one process; threads of it take turns."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._turn = threading.Lock()

    def write(self, data: bytes) -> None:
        """Replace it, on the disk itself. Blocks; raises OSError, and then it is as before."""
        beside = self.path.with_name(self.path.name + ".new")
        with self._turn:
            try:
                with open(beside, "wb", opener=_for_the_owner) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(self.path)
            except OSError:
                with contextlib.suppress(OSError):
                    beside.unlink(missing_ok=True)
                raise


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
