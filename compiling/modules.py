"""Which modules are compiled: everything on a request's way, but for a few that are named here with their reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = ("gateway", "routers", "adapters")

# A request's way, as folders and modules. What is started once, read once a second or run by an operator stays Python.
COMPILED: Final = (
    "routers/",
    "adapters/",
    "gateway/access/",
    "gateway/api/asgi.py",
    "gateway/api/direct.py",
    "gateway/api/heads.py",
    "gateway/api/protocol.py",
    "gateway/app/engines.py",
    "gateway/app/owners.py",
    "gateway/detectors/pattern_cache.py",
    "gateway/dispatch/",
    "gateway/fleet/affinity.py",
    "gateway/fleet/replicas.py",
    "gateway/ledger/encoding.py",
    "gateway/ledger/journal.py",
    "gateway/ledger/ledger.py",
    "gateway/ledger/reading.py",
    "gateway/ledger/records.py",
    "gateway/metering/actions/",
    "gateway/metering/budgets/",
    "gateway/metering/charges.py",
    "gateway/metering/gpu/",
    "gateway/metering/prices.py",
    "gateway/metering/prometheus.py",
    "gateway/metering/series.py",
    "gateway/metering/tariffs.py",
    "gateway/metering/workloads.py",
    "gateway/pipeline/",
    "gateway/state/",
)

_A_WINDOW: Final = "once for a window, not for each request in it"
_CLASS_VARIABLES: Final = "class variables of a dataclass, which mypyc takes for fields"

INTERPRETED: Final = {
    "adapters/anthropic.py": _CLASS_VARIABLES,
    "adapters/azure.py": _CLASS_VARIABLES,
    "adapters/bedrock.py": _CLASS_VARIABLES,
    "adapters/openai.py": _CLASS_VARIABLES,
    "adapters/vllm.py": _CLASS_VARIABLES,
    "routers/complexity/train.py": "training: numpy does the work",
    "routers/policy/permit.py": "a permit guards itself by __new__ and __setattr__, past which compiled code would go",
    "routers/policy/proof.py": "weir check's",
    "routers/policy/reachability.py": "weir check's",
    "adapters/longtext.py": "nobody else may hold a text while it is written, and compiled code might",
    "adapters/dialects/pieces.py": "others have their turn between its steps, and between no compiled ones",
    "adapters/others.py": "it is there to be entered by the interpreter",
    "adapters/unhurried.py": "a deep body must meet the interpreter's recursion limit, not the end of the stack",
    "gateway/dispatch/polling.py": "asks every half second",
    "gateway/metering/gpu/calibration.py": "weir gpu calibrate's",
    "gateway/metering/gpu/company.py": _A_WINDOW,
    "gateway/metering/gpu/counts.py": _A_WINDOW,
    "gateway/metering/gpu/doubt.py": _A_WINDOW,
    "gateway/metering/gpu/hardware.py": "asked at load",
    "gateway/metering/gpu/learning.py": _A_WINDOW,
    "gateway/metering/gpu/level.py": _A_WINDOW,
    "gateway/metering/gpu/preempted.py": _A_WINDOW,
    "gateway/metering/gpu/remainder.py": _A_WINDOW,
    "gateway/metering/gpu/rows.py": _A_WINDOW,
    "gateway/metering/gpu/shared_rows.py": "waits for Redis",
    "gateway/metering/gpu/watch.py": "once for a page of an engine",
    "gateway/pipeline/awaiting.py": "looks every half second",
    "gateway/pipeline/concluding.py": "once for each that was looked at",
    "gateway/state/scripts.py": "text for Redis",
    "gateway/state/shared": "waits for Redis",
}


def compiled(root: Path) -> Iterator[str]:
    """The modules to compile, as paths below `root`, in order."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if (
                path.name != "__init__.py"
                and name.startswith(COMPILED)
                and not name.startswith(tuple(INTERPRETED))
            ):
                yield name


def stale(root: Path) -> list[str]:
    """Names in the lists above that nothing bears any more."""
    every = [
        path.relative_to(root).as_posix() for package in PACKAGES for path in (root / package).rglob("*.py")
    ]
    return [name for name in (*COMPILED, *INTERPRETED) if not any(each.startswith(name) for each in every)]
