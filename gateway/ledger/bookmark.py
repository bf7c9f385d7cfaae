"""One line number kept beside the journal over restarts: from where on it has to be read again.

It may lie further back than it has to, as after a power cut; it never lies too far ahead.
"""

import os
from pathlib import Path
from typing import Final

_DIGITS: Final = 20


class Bookmark:
    """A file that holds a line's number. Moving it is one small write."""

    def __init__(self, path: Path, begin: int) -> None:
        """Open it, or begin it at line `begin`. Raises OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        found = os.pread(self._file, _DIGITS, 0)
        self.line = int(found) if found.isdigit() else -1
        if self.line < 0:
            self.move(begin)

    def move(self, line: int) -> None:
        """Have it say `line`. On a full disk it stays where it was."""
        if line == self.line:
            return
        try:
            os.pwrite(self._file, b"%020d" % line, 0)
        except OSError:
            return
        self.line = line

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
