"""A small policy to test with: two models at home, one outside, and a request to vary."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from routers.policy.facts import Model, Zone
from routers.policy.policy import Policy, Route
from routers.sensitivity.label import Label, Level
from routers.signals import Signals

HOME = Zone("home", inside=True, jurisdiction="EU", retention_days=0, trains_on_data=False)
CLOUD = Zone("cloud", inside=False, jurisdiction="US", retention_days=30, trains_on_data=False)


@pytest.fixture
def models() -> dict[str, Model]:
    return {
        "small": Model(
            "small", "gpu", "org/small", HOME, ("http://10.0.0.1:8000",), 8000, frozenset({"tools"})
        ),
        "tuned": Model(
            "tuned", "gpu", "tuned-lora", HOME, ("http://10.0.0.1:8000",), 8000, frozenset({"tools"})
        ),
        "large": Model(
            "large",
            "cloud",
            "large-1",
            CLOUD,
            ("https://cloud.example",),
            None,
            frozenset({"tools", "vision"}),
        ),
    }


@pytest.fixture
def request_like() -> Callable[..., Signals]:
    """An easy request in English by tenant `acme`, changed as asked; `level`, `categories`, `failed` and
    `unscanned` change its label."""

    def build(**changes: Any) -> Signals:
        label = Label(Level.named(changes.pop("level", "internal")))
        for part in ("types", "categories", "failed", "unscanned"):
            if part in changes:
                label = replace(label, **{part: changes.pop(part)})
        facts: dict[str, Any] = {
            "complexity": 0.2,
            "kind": "chat",
            "language": "en",
            "prompt_tokens": 100,
            "max_output_tokens": None,
            "modality": frozenset({"text"}),
            "needs": frozenset(),
            "tools": False,
            "stream": False,
            "tenant": "acme",
            "workflow": "",
            "model": "auto",
        }
        return Signals(label=label, **{**facts, **changes})

    return build


@pytest.fixture
def policy_of(models: dict[str, Model]) -> Callable[..., Policy]:
    """A policy over those models: `policy_of(routes, boundaries)`; the default route uses `small`."""

    def build(routes: Any = (), boundaries: Any = (), **more: Any) -> Policy:
        aliases = more.pop("aliases", {"auto": "routed", "gpt-4o": "routed", "best": "large"})
        routes = routes or [Route("everyday", ("small",))]
        return Policy(models, boundaries, routes, aliases, digest="0123456789ab", **more)

    return build
