"""`make compiled`: Weir compiled to C, as a folder of packages ready to be run, and as a wheel.

    python -m compiling [--wheel FOLDER]

Prints where the packages are. They lie in the cache and are built once for the same sources, compiler and Python.
"""

import argparse
import os
import subprocess
import sys

from compiling.tree import ROOT, CannotCompile, tree


def main() -> None:
    """Build what is not in the cache yet."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--wheel", metavar="FOLDER", help="also write a wheel for this machine there")
    chosen = arguments.parse_args()
    try:
        print(tree(lambda line: print(line, file=sys.stderr, flush=True)))
    except CannotCompile as error:
        sys.exit(str(error))
    if chosen.wheel:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", chosen.wheel],
            cwd=ROOT,
            env={**os.environ, "WEIR_COMPILE": "1"},
            check=True,
        )


if __name__ == "__main__":
    main()
