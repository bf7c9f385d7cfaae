"""From a snapshot to what requests need: adapters, classifier, score, tariffs, keys, connections."""

import hashlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from adapters.anthropic import Anthropic
from adapters.azure import Azure
from adapters.bedrock import Bedrock
from adapters.call import Backend
from adapters.chat import TokenUsage
from adapters.deviations import NONE, Deviations
from adapters.openai import OpenAI
from adapters.presets import PRESETS
from adapters.sigv4 import Credentials
from adapters.transport import Limits, Pool, Timeouts, proxy_fault, tls_context
from adapters.transport.origin import Origin
from adapters.vllm import VLLM
from gateway.access.keys import Credential, Keyring
from gateway.configuration.settings import (
    BackendSettings,
    ComplexitySettings,
    DetectorSettings,
    OtlpSettings,
    SensitivitySettings,
)
from gateway.configuration.snapshot import Snapshot
from gateway.detectors.http import HttpDetector
from gateway.detectors.pattern_cache import cache_directory, cached_engine, cached_patterns
from gateway.detectors.presidio import PresidioDetector
from gateway.dispatch.job import Engines
from gateway.fleet.aws import Renewing, source
from gateway.fleet.replicas import Placement
from gateway.metering.budgets.limits import Allowances
from gateway.metering.otlp.apart import missing
from gateway.metering.price_file import NO_OVERRIDES, read_price_file
from gateway.metering.prices import PriceBook
from gateway.metering.tariffs import GpuTariff, Tariff, TokenTariff
from gateway.pipeline.detecting import Panel, Stationed
from gateway.pipeline.hardness import Hardness
from gateway.pipeline.judge import Judge, highest
from gateway.pipeline.judging_apart import LARGE, JudgingApart
from gateway.pipeline.pipeline import Runtime
from gateway.pipeline.remembering import Stickiness
from gateway.pipeline.reserving import Reserving
from gateway.state.conversations import Bounds
from routers.complexity.scorer import Scorer
from routers.policy.conditions import All, AnyOf, Condition, Not, Within
from routers.sensitivity.classifier import Classifier, tenant_triggers, triggers
from routers.sensitivity.detector import Detector
from routers.sensitivity.label import Level
from routers.sensitivity.settings import Settings

# Seconds an idle connection is kept: less than the other side does, or a request may meet a closing one.
VLLM_KEEPALIVE: Final = 4.0  # vLLM's server closes after 5
PROVIDER_KEEPALIVE: Final = 60.0
DETECTOR_CONNECTIONS: Final = 64  # to each detector
_A_TOKEN: Final = TokenUsage(input=1, source="reported")
NO_ENVIRONMENT: Final[Mapping[str, str]] = {}
_USER_AGENT: Final = f"weir/{version('weir-gateway')}"


class ProxyInTheWay(RuntimeError):  # noqa: N818  # it names what stands there
    """The environment names a proxy that Weir was not told of; `str()` says what to do."""


def runtime(snapshot: Snapshot, environ: Mapping[str, str], before: Runtime | None = None) -> Runtime:
    """Everything one snapshot brings. Slow (pattern databases, price files): never on the event loop. What the
    runtime `before` has that is still right is kept.

    Raises InvalidPriceFile, and OSError where a file cannot be read.
    """
    judge = judging(snapshot, environ, before)
    if snapshot.telemetry.otlp is not None and (lacking := missing()):
        raise OSError(lacking)
    backends = {name: adapter(settings, environ) for name, settings in snapshot.backends.items()}
    charged = tariffs(snapshot)
    return Runtime(
        snapshot,
        keyring(snapshot),
        judge,
        Engines(snapshot.policy, backends),
        charged,
        floors(snapshot),
        reserving(snapshot, charged),
        stickiness(snapshot),
        panel(snapshot),
        Hardness(
            snapshot.policy,
            judge.scorer,
            shipped=snapshot.complexity.weights is None,
            shared=snapshot.state.redis is not None,
        ),
        {tenant.name: tenant.owns for tenant in snapshot.tenants.values() if tenant.owns},
        Bounds(int(snapshot.affinity.keep * 1000), snapshot.affinity.most)
        if snapshot.affinity.model
        else None,
        price_warnings(charged, time.time_ns()),
    )


def judging(snapshot: Snapshot, environ: Mapping[str, str], before: Runtime | None = None) -> Judge:
    """Who labels and scores: as before, where nothing of that has changed. Close it when it is no longer in force."""
    scored = None
    if before is not None and before.snapshot.complexity == snapshot.complexity:
        scored = before.judge.scorer
        if before.snapshot.sensitivity == snapshot.sensitivity:
            return before.judge
    own, cache = labelling(snapshot.sensitivity), cache_directory(environ)
    bounded = not own.patterns or cached_patterns(own.patterns, cache).bounded
    apart = JudgingApart(own, snapshot.complexity.weights, cache, above=LARGE if bounded else 0)
    if not bounded:  # those are for the process that can be stopped
        own = replace(own, patterns={})
    return Judge(_classifier(own, cache), scored or scorer(snapshot.complexity), apart)


def scorer(settings: ComplexitySettings) -> Scorer:
    """The complexity score with the configured weights, or with those that ship."""
    return shipped_scorer() if settings.weights is None else Scorer.from_bytes(settings.weights)


def shipped_scorer() -> Scorer:
    """The complexity score with the weights that ship."""
    return Scorer.from_bytes(files("routers.complexity").joinpath("default.weights").read_bytes())


def classifier(settings: SensitivitySettings, environ: Mapping[str, str]) -> Classifier:
    """The sensitivity classifier under a policy's settings; compiled patterns come from the cache."""
    return _classifier(labelling(settings), cache_directory(environ))


def _classifier(own: Settings, cache: Path) -> Classifier:
    theirs = tenant_triggers(own)
    return Classifier(
        own,
        cached_engine(triggers(), cache),
        cached_engine(theirs, cache) if theirs else None,
        cached_patterns(own.patterns, cache) if own.patterns else None,
    )


def stickiness(snapshot: Snapshot) -> Stickiness:
    """How conversations keep their labels."""
    kept = snapshot.sensitivity.conversations
    return Stickiness(Bounds(int(kept.keep * 1000), kept.most), snapshot.state.labels)


def labelling(settings: SensitivitySettings) -> Settings:
    """How findings become a label, as the sensitivity room takes it."""
    return Settings(
        unlabelled=Level.named(settings.unlabelled),
        unscanned={kind: Level.named(level) for kind, level in settings.unscanned.items()},
        levels={name: Level.named(level) for name, level in settings.levels.items()},
        terms=settings.terms,
        patterns=settings.patterns,
    )


def panel(snapshot: Snapshot) -> Panel:
    """The further detectors, each with connections or a process of its own. Raises Unready, an OSError, where one
    cannot be loaded."""
    loaded: list[Stationed] = []
    with ExitStack() as undoing:
        for each in snapshot.sensitivity.detectors:
            made = detector(each)
            if isinstance(
                made, PresidioDetector
            ):  # whose process would outlive a configuration that is refused
                undoing.callback(made.close)
            loaded.append(Stationed(made, snapshot.settings.zones[each.zone], each.deadline))
        undoing.pop_all()
    return Panel(loaded, labelling(snapshot.sensitivity), snapshot.policy)


def detector(settings: DetectorSettings) -> Detector:
    """One further detector, ready to be asked. Raises Unready."""
    if settings.url is None:
        return PresidioDetector(settings.name, settings.deadline, settings.engine)
    pool = Pool(settings.url, limits=Limits(connections=DETECTOR_CONNECTIONS))
    return HttpDetector(settings.name, settings.kind, pool, urlsplit(settings.url).path or "/")


def adapter(settings: BackendSettings, environ: Mapping[str, str] = NO_ENVIRONMENT) -> Backend:
    """The adapter that speaks to this backend; `environ` tells where its credentials are, if they are renewed."""
    path = urlsplit(settings.replicas[0]).path
    key = settings.api_key.reveal() if settings.api_key is not None else None
    match settings.kind:
        case "anthropic":
            return Anthropic(base_path=path, api_key=key, user_agent=_USER_AGENT)
        case "bedrock":
            return _bedrock(settings, path, key, environ)
        case "azure":
            return Azure(path, key, _USER_AGENT, api_version=settings.api_version)
        case "vllm":
            return VLLM(path, key, _USER_AGENT, keeps_responses="responses" in settings.keeps)
        case "openai":
            return OpenAI(path, key, _USER_AGENT, deviations=_deviations(settings))


def _deviations(settings: BackendSettings) -> Deviations:
    """How a provider departs from OpenAI: by its preset, and as configured."""
    known = PRESETS[settings.preset].deviations if settings.preset is not None else NONE
    return replace(known, lacks=known.lacks | settings.lacks) if settings.lacks else known


def _bedrock(settings: BackendSettings, path: str, key: str | None, environ: Mapping[str, str]) -> Bedrock:
    """Slow where its credentials come from a file or an endpoint."""
    aws, credentials, renewed = settings.aws, None, None
    if aws is not None and aws.source is not None:
        renewed = Renewing(source(aws.source, aws.profile, environ, settings.region))
        renewed.look()
    elif aws is not None and aws.access_key_id is not None and aws.secret_access_key is not None:
        session = aws.session_token.reveal() if aws.session_token is not None else None
        credentials = Credentials(aws.access_key_id.reveal(), aws.secret_access_key.reveal(), session)
    return Bedrock(
        path,
        key,
        _USER_AGENT,
        host=Origin.parse(settings.replicas[0]).authority,
        region=settings.region,
        credentials=credentials,
        renewed=renewed,
    )


def keyring(snapshot: Snapshot) -> Keyring:
    """Every key of every tenant."""
    return Keyring(
        Credential(tenant.name, key.id, key.sha256, key.expires)
        for tenant in snapshot.tenants.values()
        for key in tenant.keys
    )


def floors(snapshot: Snapshot) -> Mapping[tuple[str, str], Level]:
    """The lowest label of each key's requests, where its tenant or the key itself sets one."""
    found = {}
    for tenant in snapshot.tenants.values():
        for key in tenant.keys:
            floor = highest(*(Level.named(name) for name in (tenant.floor, key.floor) if name is not None))
            if floor is not None:
                found[tenant.name, key.id] = floor
    return found


def tariffs(snapshot: Snapshot) -> Mapping[str, Tariff]:
    """How each model is charged: by GPU time on engines of ours, else by token."""
    book = price_book(snapshot)
    found: dict[str, Tariff] = {}
    for name, model in snapshot.policy.models.items():
        backend = snapshot.backends[model.backend]
        if backend.kind == "vllm":
            found[name] = GpuTariff(backend.name, backend.gpu_rates)
        else:
            listed = backend.priced_as.get(model.upstream, model.upstream)
            found[name] = TokenTariff(book, provider_of(backend, book), listed)
    return found


def price_warnings(charged: Mapping[str, Tariff], at_ns: int) -> tuple[str, ...]:
    """The models of whose use nobody could say now (`at_ns`: UTC) what it costs."""
    bills = ((name, tariff.charge(_A_TOKEN, 1, at_ns)) for name, tariff in charged.items())
    return tuple(
        f"what the model `{name}` costs is unknown: {bill.source}" for name, bill in bills if bill.usd is None
    )


def price_book(snapshot: Snapshot) -> PriceBook:
    """List prices under the company's own file. Raises InvalidPriceFile, OSError."""
    prices = snapshot.server.prices
    return PriceBook(read_price_file(Path(prices)) if prices else NO_OVERRIDES)


def provider_of(backend: BackendSettings, book: PriceBook) -> str:
    """Who sells a backend's models, in the price list's words: as configured, by the address, or as it is named."""
    return backend.provider or book.provider_at(backend.replicas[0]) or backend.name


def reserving(snapshot: Snapshot, charged: Mapping[str, Tariff]) -> Reserving:
    """The limits of tenants, keys and workflows."""
    asked = any(_asks_for_budgets(route.when) for route in snapshot.policy.routes)
    return Reserving(Allowances.of_snapshot(snapshot, routes_by_budget=asked), snapshot, charged)


def _asks_for_budgets(condition: Condition) -> bool:
    """Whether a condition rests on how much of a budget is used."""
    match condition:
        case All(parts) | AnyOf(parts):
            return any(map(_asks_for_budgets, parts))
        case Not(part):
            return _asks_for_budgets(part)
        case Within(field):
            return field == "budget_used"
    return False


def placements(snapshot: Snapshot) -> list[Placement]:
    """Where every replica stands, with a fingerprint of what its connections depend on."""
    return [
        Placement(
            each.name,
            each.replicas,
            hashlib.sha256(
                repr((each.timeouts, each.authorities, each.max_connections)).encode()
            ).hexdigest(),
        )
        for each in snapshot.backends.values()
    ]


def open_pool(settings: BackendSettings, url: str) -> Pool:
    """The connections to one replica."""
    times = settings.timeouts
    return Pool(
        url,
        timeouts=Timeouts(
            connect=times.connect, first_byte=times.first_byte, idle=times.idle, total=times.total
        ),
        limits=Limits(
            connections=settings.max_connections,
            keepalive=VLLM_KEEPALIVE if settings.kind == "vllm" else PROVIDER_KEEPALIVE,
        ),
        tls=tls_context(settings.ca_file) if url.startswith("https://") else None,
    )


def telemetry(snapshot: Snapshot) -> tuple[OtlpSettings | None, Mapping[str, str]]:
    """Who is told of traces and metrics, and what providers are called there."""
    called = {name: each.provider or each.kind for name, each in snapshot.backends.items()}
    return snapshot.telemetry.otlp, called


def refuse_proxies(snapshot: Snapshot, environ: Mapping[str, str]) -> None:
    """Raise ProxyInTheWay where the environment names a proxy for one of the backends."""
    for backend in snapshot.backends.values():
        for url in backend.replicas:
            fault = proxy_fault(url, environ)
            if fault is not None:
                raise ProxyInTheWay(fault)
