"""Turns modules into C and C into extension modules: a process of its own, run in the folder of the copied sources.

    python -m compiling.emit MODULE…

All modules make one library, so that they call each other directly; each gets a stub that Python finds beside its
source. The C files are compiled side by side, which mypyc's own use of setuptools does not do.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from mypyc.build import mypycify
from setuptools import Distribution
from setuptools.command.build_ext import build_ext

from compiling.tree import LIBRARY

_HIDDEN: Final = "-fvisibility=hidden"  # calls between modules are direct ones then


class SideBySide(build_ext):  # type: ignore[misc]  # setuptools ships no types
    """Compiles as many C files at a time as there are cores, and puts what comes of it beside the sources."""

    def build_extensions(self) -> None:
        """As setuptools asks for it, with `self.compiler` set up."""
        sources = {source: each for each in self.extensions for source in each.sources}
        largest_first = sorted(sources.items(), key=lambda job: -Path(job[0]).stat().st_size)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for _ in pool.map(self._compile, largest_first):
                pass
        for each in self.extensions:
            objects = self.compiler.object_filenames(each.sources, output_dir=".o")
            self.compiler.link_shared_object(objects, self.get_ext_filename(each.name))

    def _compile(self, job: tuple[str, Any]) -> None:
        source, extension = job
        flags = [*extension.extra_compile_args, _HIDDEN]
        self.compiler.compile([source], ".o", include_dirs=extension.include_dirs, extra_postargs=flags)


def main(names: Sequence[str]) -> None:
    """Compile; the errors of mypyc and of the C compiler go to stderr."""
    extensions = mypycify(
        ["--config-file=mypy.ini", *names],
        opt_level="2",  # an eighth of the time is spent in this code; most of the rest in Python itself
        debug_level="0",
        multi_file=True,
        target_dir=".c",
        group_name=LIBRARY,
    )
    command = SideBySide(Distribution({"ext_modules": extensions}))
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    main(sys.argv[1:])
