"""Which build of Weir runs: its sources, or what mypyc made of them."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec


def build() -> str:
    """`compiled` or `pure Python`."""
    spec = find_spec("routers.signals")  # one of the modules that are compiled
    origin = (spec and spec.origin) or ""
    return "compiled" if origin.endswith(tuple(EXTENSION_SUFFIXES)) else "pure Python"
