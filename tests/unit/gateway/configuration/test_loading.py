"""What the other rooms get: merged files, filled-in variables, defaults, and no secret in any dump."""

import json
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.configuration.loading import load
from gateway.configuration.settings import (
    UNLIMITED,
    BudgetSettings,
    Ceilings,
    LimitSettings,
    ReserveSettings,
    Secret,
    Timeouts,
)
from gateway.configuration.snapshot import Snapshot
from gateway.configuration.units import seconds, size
from routers.policy.permits import Dropped
from routers.sensitivity.label import Label, Level
from routers.signals import Signals

CONFIG = Path(__file__).resolve().parents[4] / "config"
HASH = "ab" * 32


def test_the_annotated_example_is_valid_and_warns_of_nothing():
    keys = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2"}
    snapshot = load([CONFIG], keys, date(2026, 11, 21))
    assert snapshot.warnings == ()
    assert set(snapshot.backends) == {"gpu-a", "openai", "anthropic"}
    assert [route.name for route in snapshot.policy.routes] == ["invoices", "pictures", "hard", "everyday"]


def test_backends_are_complete(loaded, small):
    snapshot: Snapshot = loaded(
        small.replace(
            "kind: vllm, zone: home, replicas: [http://10.0.0.1:8000]",
            "kind: vllm, zone: home, replicas: [http://10.0.0.1:8000/v1/, https://b.example/llm/], gpu: H100, gpus: 2,"
            " usd_per_gpu_hour: 2.10, timeouts: {connect: 500ms, total: 2m}",
        )
    )
    gpu, cloud = snapshot.backends["gpu"], snapshot.backends["cloud"]
    assert gpu.replicas == ("http://10.0.0.1:8000", "https://b.example/llm")
    assert (gpu.gpu, gpu.gpus, gpu.usd_per_gpu_hour) == ("H100", 2, Decimal("2.1"))
    assert gpu.timeouts == Timeouts(connect=0.5, total=120.0)
    assert cloud.replicas == ("https://api.openai.com",)
    assert cloud.api_key == Secret("sk-hidden")
    assert snapshot.policy.models["large"].upstream == "large"
    assert snapshot.policy.models["small"].replicas == gpu.replicas


def test_sections_may_be_spread_over_files(loaded, small):
    more = "models:\n  tuned: {backend: gpu}\ntenants:\n  beta: {budget: {usd_per_day: 200.50}}\n"
    snapshot = loaded(small, more)
    assert set(snapshot.policy.models) == {"small", "large", "tuned"}
    assert snapshot.tenants["beta"].budget.usd_per_day == Decimal("200.5")
    assert [Path(file).name for file in snapshot.files] == ["a.yaml", "b.yaml"]


def test_budgets_and_limits_stand_under_tenants_keys_and_workflows(loaded, small):
    tenants = f"""
  acme:
    keys: [{{id: app, sha256: "{HASH}", limits: {{concurrent: 2}}}}]
    workflows: {{invoices: {{budget: {{usd_per_day: 20}}}}, support: {{}}}}
    budget: {{usd_per_month: 4000, gpu_seconds_per_day: 36000}}
    limits: {{requests_per_minute: 60, tokens_per_minute: 9000}}
    over_budget: downgrade
  beta: {{workflows: [chat]}}
reserve: {{output_tokens: 100, gpu_seconds: 2.5, unpriced_usd: 0.01, unpriced: refuse}}
state: {{redis: "redis://:hush@127.0.0.1/0", when_gone: {{money: allow}}}}
"""
    snapshot: Snapshot = loaded(small.replace("\n  acme: {}\n", tenants))
    acme, beta = snapshot.tenants["acme"], snapshot.tenants["beta"]
    assert acme.budget == BudgetSettings(None, Decimal(4000), Decimal(36000))
    assert acme.limits == LimitSettings(60, 9000, None)
    assert acme.over_budget == "downgrade"
    assert acme.keys[0].ceilings == Ceilings(limits=LimitSettings(concurrent=2))
    assert acme.workflows == {
        "invoices": Ceilings(BudgetSettings(usd_per_day=Decimal(20))),
        "support": UNLIMITED,
    }
    assert beta.workflows == {"chat": UNLIMITED}
    assert beta.over_budget == "refuse"
    assert snapshot.reserve == ReserveSettings(100, 2.5, Decimal("0.01"), "refuse")
    assert (snapshot.state.money, snapshot.state.rates) == ("allow", "allow")
    assert "hush" not in json.dumps(snapshot.redacted())
    assert "hush" not in repr(snapshot)


def test_prices_and_guarantees_may_lie_in_the_same_folder(loaded, small):
    first = loaded(small)
    assert loaded(small, "prices: []\ndiscounts: []\n", "guarantees: []\n").hash == first.hash


def test_variables_are_filled_in(loaded, small):
    text = (
        small.replace("sk-hidden", "none") + 'server: {port: "${PORT:-5000}", ledger: "$${HOME}/${SUB:-x}"}\n'
    )
    snapshot = loaded(text, environ={"CLOUD_KEY": "12345", "SUB": "y"})
    assert snapshot.backends["cloud"].api_key == Secret("12345")
    assert (snapshot.server.port, snapshot.server.ledger) == (5000, "${HOME}/y")


def test_an_empty_key_is_no_key(loaded, small):
    assert loaded(small.replace(":-sk-hidden", ":-")).backends["cloud"].api_key is None


def test_words_that_old_yaml_would_change_are_kept(loaded, small):
    snapshot = loaded(small.replace("jurisdiction: US", "jurisdiction: NO"))
    assert snapshot.policy.models["large"].zone.jurisdiction == "NO"


def test_anchors_and_merges_work(loaded, small):
    text = small.replace(
        "  large: {backend: cloud}",
        "  large: &large {backend: cloud, context: 9}\n  other: {<<: *large, context: 7}",
    )
    models = loaded(text).policy.models
    assert (models["other"].backend, models["other"].context, models["large"].context) == ("cloud", 7, 9)


def test_keys_expire_in_utc(loaded, small):
    keys = (
        f"{{id: a, sha256: {HASH}, expires: 2027-01-01}},"
        f" {{id: b, sha256: {HASH.replace('a', 'c')}, expires: 2027-01-01T02:00:00+02:00, floor: confidential}}"
    )
    first, second = loaded(small.replace("acme: {}", f"acme: {{keys: [{keys}]}}")).tenants["acme"].keys
    assert first.expires == second.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert (first.floor, second.floor) == (None, "confidential")


def test_terms_come_from_files_beside_the_yaml(loaded, small, tmp_path):
    (tmp_path / "terms.json").write_text('["Heron", "Falke"]')
    snapshot = loaded(f"sensitivity: {{terms: [Heron, HX-1], terms_files: [terms.json]}}\n{small}")
    assert snapshot.sensitivity.terms == ("Heron", "HX-1", "Falke")
    assert str(tmp_path / "terms.json") in snapshot.files
    assert "Falke" not in json.dumps(snapshot.redacted())
    assert "Falke" not in repr(snapshot)


def test_no_dump_or_repr_shows_a_secret(loaded, small):
    snapshot = loaded(small, environ={"CLOUD_KEY": "sk-very-secret"})
    assert snapshot.redacted()["backends"]["cloud"]["api_key"] == "hidden"
    for shown in (repr(snapshot), repr(snapshot.settings), json.dumps(snapshot.redacted())):
        assert "sk-very-secret" not in shown
    assert snapshot.backends["cloud"].api_key.reveal() == "sk-very-secret"


def test_settings_cross_to_another_process_and_snapshots_do_not(loaded, small):
    snapshot = loaded(small)
    crossed = pickle.loads(pickle.dumps(snapshot.settings))  # noqa: S301  # pickled on this very line
    assert Snapshot.of(crossed).policy.hash == snapshot.policy.hash
    with pytest.raises((TypeError, AttributeError)):
        pickle.dumps(snapshot)


def test_the_hash_changes_with_whatever_changes_and_the_policys_with_what_it_decides(loaded, small):
    first = loaded(small)
    again = loaded(small + "# a remark\n")
    key = loaded(small, environ={"CLOUD_KEY": "another"})
    condition = loaded(small.replace("0.7", "0.8"))
    reworded = loaded(
        small.replace("{complexity: {at_least: 0.7}}", "{any: [{complexity: {at_least: 0.7}}]}")
    )
    assert (again.hash, again.policy.hash) == (first.hash, first.policy.hash)
    assert key.hash != first.hash
    assert key.policy.hash == first.policy.hash
    assert len({first.policy.hash, condition.policy.hash, reworded.policy.hash}) == 3


@pytest.mark.parametrize(
    ("unscanned", "dropped"),
    [("{image: internal}", False), ("{image: confidential}", True), ("{default: restricted}", True)],
)
def test_only_content_the_configuration_calls_harmless_escapes_boundaries_on_categories(
    loaded, small, unscanned, dropped
):
    phi = "  - {name: phi, data: {category: HEALTH}, only: {inside: true}}\nroutes:"
    text = f"sensitivity: {{unscanned: {unscanned}}}\n" + small.replace("routes:", phi)
    facts = (0.1, "chat", "en", 1, None, frozenset(), frozenset(), False, False, "acme", "", "large")
    signals = Signals(Label(Level.INTERNAL, unscanned=("image",)), *facts)
    assert isinstance(loaded(text).policy.permit(signals, "large"), Dropped) is dropped


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ((":-sk-hidden", ":-"), "the backend `cloud` has no api_key: its provider will refuse every call"),
        (("at_least: confidential", "category: HEALTH"), "no boundary keeps restricted data from `cloud`"),
        (("tenants:\n  acme: {}\n", ""), "there is no tenant: every request will be refused with 401"),
        (
            ("large: {backend: cloud}", "large: {backend: cloud, retires: 2026-12-01}"),
            "retires on 2026-12-01",
        ),
        (
            ("data: {at_least: confidential}", "data: {level: confidential}"),
            "holds for every level from confidential up",
        ),
        (
            ("only: {inside: true}", "only: {inside: true, jurisdiction: EUU}"),
            "no zone states jurisdiction `EUU`, so `stays-home` admits none by it\n    did you mean `EU`?",
        ),
        (
            ("acme: {}", f"acme: {{keys: [{{id: old, sha256: {HASH}, expires: 2026-01-01}}]}}"),
            "the key `old` of `acme` has expired",
        ),
        (
            ("kind: openai, zone: cloud,", "kind: openai, zone: cloud, replicas: [http://far.example],"),
            "`cloud` is outside and reached without TLS",
        ),
        (
            (
                "on_failure: [small]}",
                "on_failure: []}\n  - {name: b, when: {complexity: {at_least: 0.9}}, use: [small]}",
            ),
            "the route `b` decides only where `hard` has no target left",
        ),
    ],
)
def test_what_may_surprise_is_a_warning(loaded, small, change, warning):
    assert change[0] in small
    warnings = loaded(small.replace(*change)).warnings
    assert any(warning in each for each in warnings)


def test_a_boundary_on_exact_levels_cannot_be_escaped_by_raising_the_label(loaded, small):
    policy = loaded(small.replace("at_least: confidential", "level: confidential")).policy
    facts = (0.1, "chat", "en", 1, None, frozenset(), frozenset(), False, False, "acme", "", "large")
    for level in (Level.CONFIDENTIAL, Level.RESTRICTED):
        assert isinstance(policy.permit(Signals(Label(level), *facts), "large"), Dropped)


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("5s", 5), ("2m", 120), ("1.5h", 5400), ("1d", 86400)]
)
def test_durations(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("10B", 10), ("512KB", 524288), ("32MB", 33554432), ("1gb", 2**30)]
)
def test_sizes(text, value):
    assert size(text) == value


@pytest.mark.parametrize("text", ["5", "s", "-5s", "5 weeks", ""])
def test_what_is_no_duration_or_size_is_refused(text):
    with pytest.raises(ValueError, match="a number and a unit"):
        seconds(text)
    with pytest.raises(ValueError, match="a whole number and a unit"):
        size(text)
