"""What hatchling asks when it builds a wheel: with WEIR_COMPILE=1 in the environment, a wheel of the compiled tree."""

import os
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compiled(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is hatchling's own
    """Puts extension modules beside the sources they were made from."""

    def dependencies(self) -> list[str]:
        """What building needs beside hatchling: mypyc reads the types of what Weir imports."""
        if os.environ.get("WEIR_COMPILE") != "1":
            return []
        runtime: list[str] = self.metadata.core.dependencies
        return ["mypy", "setuptools", *runtime]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled tree to the wheel, in place of the packages' sources."""
        if version == "editable" or os.environ.get("WEIR_COMPILE") != "1":
            return
        sys.path.insert(0, self.root)
        from compiling.tree import tree  # noqa: PLC0415  # hatchling loads this file from outside the checkout

        made = tree(self.app.display_info)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for path in sorted(made.rglob("*")):
            name = path.relative_to(made).as_posix()
            if path.is_file() and path.suffix in {".py", ".so"}:
                build_data["force_include"][str(path)] = name
