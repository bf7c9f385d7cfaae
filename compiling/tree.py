"""Builds the compiled tree: the packages with an extension module beside each compiled source, ready to be run.

A copy of the packages is made, the constructors of dataclasses written out in it, mypyc turns the modules into C, and a
C compiler turns that into one library with a stub for each module. Where the cache holds a tree of the same sources,
made by the same tools, it is that.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from compiling import modules
from compiling.constructors import bases, written_out
from compiling.heirs import interpreted_heirs

LIBRARY: Final = "weir"  # weir__mypyc.…so, beside the packages
ROOT: Final = Path(__file__).resolve().parents[1]
KEPT: Final = 7 * 24 * 3600.0  # seconds for which a tree that nobody asks for stays in the cache
_MYPY: Final = "[mypy]\npython_version = 3.11\nignore_missing_imports = true\nplugins = pydantic.mypy\n"
Say = Callable[[str], None]


class CannotCompile(Exception):  # noqa: N818  # it says what is missing, or which module is at fault
    """What to install, or what mypyc or the C compiler said."""


def missing() -> list[str]:
    """What building needs and this machine lacks, each as what to install."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    lacking = []
    if shutil.which(compiler) is None:
        lacking.append(f"a C compiler ({compiler}: apt install gcc)")
    if not header.exists():
        lacking.append("Python's headers (apt install python3-dev)")
    lacking += [f"{name} (make dev)" for name in ("mypyc", "setuptools") if find_spec(name) is None]
    return lacking


def tree(say: Say) -> Path:
    """The compiled tree of this checkout, from the cache or built now (a few minutes). Raises CannotCompile."""
    if lacking := missing():
        raise CannotCompile(f"Weir cannot be compiled here without {' and '.join(lacking)}.")
    if stale := modules.stale(ROOT):
        raise CannotCompile(f"compiling/modules.py names what is not there: {', '.join(stale)}")
    if heirs := list(interpreted_heirs(ROOT)):
        raise CannotCompile(f"An interpreted class cannot inherit from a compiled one: {'; '.join(heirs)}.")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weir"
    made = cache / f"compiled-{_key()}"
    with _alone(cache):
        forget_old(cache, time.time())
        if not made.exists():
            _build(made, say)
        (made / ".complete").touch()
    return made


def _key() -> str:
    """What a tree depends on: the sources, this room, the compilers and Python."""
    digest = hashlib.sha256()
    for folder in (*modules.PACKAGES, "compiling"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    compiler = subprocess.run([*_compiler(), "--version"], capture_output=True, text=True, check=False).stdout
    digest.update(f"{sys.version} {sysconfig.get_platform()} {metadata.version('mypy')} {compiler}".encode())
    return digest.hexdigest()[:12]


def _compiler() -> list[str]:
    return (sysconfig.get_config_var("CC") or "cc").split()


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One build at a time: a second waits for the first, and finds its tree."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "compiling.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_old(cache: Path, now: float) -> None:
    """Remove trees whose build failed, and those that nobody asked for in a while. Only while nobody builds."""
    for made in cache.glob("compiled-*"):
        mark = made / ".complete"
        if not mark.exists() or now - mark.stat().st_mtime > KEPT:
            shutil.rmtree(made)


def _build(made: Path, say: Say) -> None:
    began = time.monotonic()
    for package in modules.PACKAGES:
        shutil.copytree(ROOT / package, made / package, ignore=shutil.ignore_patterns("__pycache__"))
    names = list(modules.compiled(made))
    _write_constructors(made, names)
    (made / "mypy.ini").write_text(_MYPY)
    say(f"Compiling {len(names)} modules (two to four minutes, once for these sources) ...")
    done = subprocess.run(
        [sys.executable, "-m", "compiling.emit", *names],
        cwd=made,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotCompile(_faults(done, made))
    for scrap in (".c", ".o", ".mypy_cache", "mypy.ini"):
        path = made / scrap
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    library = next(made.glob(f"{LIBRARY}__mypyc*"))
    say(f"Compiled in {time.monotonic() - began:.0f} s: {library.stat().st_size / 1e6:.0f} MB in {made}")


def _write_constructors(made: Path, names: Sequence[str]) -> None:
    sources = {name: (made / name).read_text() for name in names}
    inherited = set[str]().union(*map(bases, sources.values()))
    for name, source in sources.items():
        (made / name).write_text(written_out(source, inherited))


def _faults(done: subprocess.CompletedProcess[str], made: Path) -> str:
    """What mypyc or the C compiler said, without what is no error; it names the module."""
    said = [line for line in (done.stdout + done.stderr).splitlines() if "warning: Treating" not in line]
    faults = [line for line in said if "error:" in line or "Error" in line] or said[-20:]
    return "\n".join(
        ["Weir could not be compiled:", *faults[:20], f"(Lines are those of the copies in {made}.)"]
    )
