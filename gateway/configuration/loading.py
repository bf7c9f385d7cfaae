"""From files to a snapshot: read, validate, check, compile. Nothing half-right ever comes out."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from gateway.configuration import checks, together, units
from gateway.configuration.backends import BackendEntry
from gateway.configuration.diagnosis import problems_of
from gateway.configuration.named_files import NamedFiles
from gateway.configuration.problems import ConfigurationErrors, Problem
from gateway.configuration.schema import (
    Document,
    ModelEntry,
    RouteEntry,
    ServerTerms,
    TenantEntry,
    ZoneEntry,
    json_schema,
)
from gateway.configuration.scoring import ComplexityTerms
from gateway.configuration.sensitivity import SensitivityTerms
from gateway.configuration.settings import (
    UNLIMITED,
    Authorities,
    BackendSettings,
    BudgetSettings,
    Ceilings,
    ComplexitySettings,
    ConversationSettings,
    KeySettings,
    LimitSettings,
    MetricsSettings,
    ReserveSettings,
    Secret,
    SensitivitySettings,
    ServerSettings,
    StateSettings,
    TenantSettings,
)
from gateway.configuration.snapshot import Settings, Snapshot
from gateway.configuration.source import BESIDE, Source, Stamp, read, stamp
from gateway.configuration.spending import BudgetTerms, LimitTerms, StateTerms
from routers.policy.conditions import ALWAYS
from routers.policy.facts import Model, Zone
from routers.policy.permits import Boundary
from routers.policy.policy import Escalate, Route
from routers.sensitivity.label import Level

_FIRST_DAY: Final = date(1970, 1, 1)


def load(paths: Iterable[Path], environ: Mapping[str, str], today: date) -> Snapshot:
    """The configuration in these files and folders. `today` (UTC) judges what is retired or has expired.
    Raises ConfigurationErrors with everything that is wrong."""
    return Snapshot.of(read_settings(paths, environ, today))


def read_settings(paths: Iterable[Path], environ: Mapping[str, str], today: date) -> Settings:
    """The same before its policy is compiled: plain data. Raises ConfigurationErrors."""
    paths = tuple(paths)
    state = stamp(paths)
    source = read(paths, environ, BESIDE)
    try:
        document = Document.model_validate(source.values)
    except ValidationError as error:
        raise ConfigurationErrors(problems_of(error, source, json_schema())) from None
    problems = checks.problems(document, source, today)
    builder = _Builder(document, source, problems, environ)
    if problems:
        builder.files()
        raise ConfigurationErrors(problems)
    return builder.settings(today, state)


class _Builder:
    """Turns what was written into what the other rooms read."""

    def __init__(
        self, document: Document, source: Source, problems: list[Problem], environ: Mapping[str, str]
    ) -> None:
        self._environ = environ
        self._document = document
        self._source = source
        self._problems = problems
        self._named = NamedFiles(source, problems)

    def settings(self, today: date, state: Stamp) -> Settings:
        document = self._document
        zones = {name: _zone(name, entry) for name, entry in document.zones.items()}
        backends = {name: self._backend(name, entry) for name, entry in document.backends.items()}
        models = {
            name: _model(name, entry, backends[entry.backend], zones)
            for name, entry in document.models.items()
        }
        boundaries = tuple(
            Boundary(
                each.name,
                each.only.only(),
                None if each.data is None else each.data.data(),
                _frozen(each.tenants),
                _frozen(each.workflows),
                redacted=each.outside is not None,
            )
            for each in document.boundaries
        )
        routes = tuple(map(_route, document.routes))
        sensitivity = self._sensitivity(document.sensitivity)
        complexity = self._complexity(document.complexity)
        server = self._server(document.server)
        telemetry = document.telemetry.settings(self._collectors())
        self._problems.extend(together.faults(self._source, routes, models, boundaries))
        if self._problems:
            raise ConfigurationErrors(self._problems)
        harmless = frozenset(
            kind
            for kind, level in sensitivity.unscanned.items()
            if kind != "default" and Level.named(level) < Level.CONFIDENTIAL
        )
        return Settings(
            hash=_digest(self._source.values, self._named.digests()),
            site=document.site,
            air_gapped=document.air_gapped,
            zones=zones,
            models=models,
            aliases=document.aliases,
            boundaries=boundaries,
            routes=routes,
            harmless=harmless,
            policy_hash=_policy_digest(document, backends, sensitivity, complexity),
            backends=backends,
            tenants={name: _tenant(name, entry) for name, entry in document.tenants.items()},
            sensitivity=sensitivity,
            server=server,
            state=_state(document.state),
            reserve=ReserveSettings(
                document.reserve.output_tokens,
                document.reserve.gpu_seconds,
                document.reserve.unpriced_usd,
                document.reserve.unpriced,
            ),
            actions=document.actions.settings(),
            telemetry=telemetry,
            complexity=complexity,
            affinity=document.affinity.settings(),
            warnings=(
                *checks.warnings(document, self._source, today),
                *map(str, together.warnings(self._source, routes, models, boundaries)),
                *self._keyless(backends),
            ),
            files=tuple(dict.fromkeys((*self._source.files, *self._named.files))),
            stamp=tuple(sorted({*state, *self._named.stamps})),
        )

    def files(self) -> None:
        """Look at the files that the configuration names, for problems only."""
        for name, entry in self._document.backends.items():
            self._backend(name, entry)
        self._sensitivity(self._document.sensitivity)
        self._complexity(self._document.complexity)
        self._server(self._document.server)
        self._collectors()

    def _collectors(self) -> Authorities | None:
        """Who vouches for the telemetry's collector."""
        otlp = self._document.telemetry.otlp
        return self._named.authorities(
            ("telemetry", "otlp", "ca_file"), None if otlp is None else otlp.ca_file
        )

    def _backend(self, name: str, entry: BackendEntry) -> BackendSettings:
        authorities = self._named.authorities(("backends", name, "tls", "ca_file"), entry.tls.ca_file)
        sizes = self._named.sizes(("backends", name, "model_config"), entry.model_config_file)
        return entry.settings(name, self._environ, authorities, sizes)

    def _keyless(self, backends: Mapping[str, BackendSettings]) -> Iterable[str]:
        """Providers' own addresses that will refuse every call, for want of a key."""
        for name, entry in self._document.backends.items():
            wanted = entry.wanted_key(backends[name])
            if wanted is not None:
                message = f"the backend `{name}` has no api_key: its provider will refuse every call"
                yield str(Problem(self._source.place(("backends", name)), message, wanted))

    def _sensitivity(self, terms: SensitivityTerms) -> SensitivitySettings:
        words = list(terms.terms)
        for i, name in enumerate(terms.terms_files):
            words += self._named.words(("sensitivity", "terms_files", i), name)
        return SensitivitySettings(
            unlabelled=terms.unlabelled,
            unscanned={"default": "restricted", **terms.unscanned},
            levels=terms.levels,
            terms=tuple(dict.fromkeys(words)),
            patterns=terms.patterns,
            conversations=ConversationSettings(terms.conversations.keep, terms.conversations.most),
            detectors=tuple(each.settings(self._document.site) for each in terms.detectors),
        )

    def _complexity(self, terms: ComplexityTerms) -> ComplexitySettings:
        data = self._named.weights(("complexity", "weights"), terms.weights)
        if data is None:
            return ComplexitySettings()
        return ComplexitySettings(data, hashlib.sha256(data).hexdigest()[:12])

    def _server(self, terms: ServerTerms) -> ServerSettings:
        return ServerSettings(
            host=terms.host,
            port=terms.port,
            max_body=terms.max_body,
            header_timeout=terms.header_timeout,
            body_timeout=terms.body_timeout,
            shutdown_grace=terms.shutdown_grace,
            metrics=MetricsSettings(terms.metrics.host, terms.metrics.port, terms.metrics.sha256),
            log_level=terms.log_level,
            ledger=terms.ledger,
            keep_rows=terms.keep_rows,
            full_disk=terms.full_disk,
            prices=self._named.beside(("server", "prices"), terms.prices),
        )


def _zone(name: str, entry: ZoneEntry) -> Zone:
    return Zone(
        name,
        entry.inside,
        entry.jurisdiction,
        entry.retention_days,
        entry.trains_on_data,
        frozenset(entry.certified),
    )


def _model(name: str, entry: ModelEntry, backend: BackendSettings, zones: Mapping[str, Zone]) -> Model:
    return Model(
        name=name,
        backend=backend.name,
        upstream=entry.upstream or name,
        zone=zones[backend.zone],
        replicas=backend.replicas,
        context=entry.context,
        can=frozenset(entry.can),
        retires=None if entry.retires is None else (entry.retires - _FIRST_DAY).days,
        openness=entry.openness,
        license=entry.license,
    )


def _route(entry: RouteEntry) -> Route:
    return Route(
        name=entry.name,
        use=tuple(entry.use),
        weights=tuple(entry.use.values()) if isinstance(entry.use, dict) else None,
        on_failure=tuple(entry.on_failure),
        when=ALWAYS if entry.when is None else entry.when.condition(),
        escalate=None
        if entry.escalate is None
        else Escalate(tuple(entry.escalate.to), frozenset(entry.escalate.on)),
    )


def _tenant(name: str, entry: TenantEntry) -> TenantSettings:
    keys = tuple(
        KeySettings(
            key.id,
            key.sha256,
            None if key.expires is None else units.utc(key.expires),
            key.floor,
            _ceilings(key.budget, key.limits),
        )
        for key in entry.keys
    )
    if isinstance(entry.workflows, dict):
        workflows = {each: _ceilings(terms.budget, terms.limits) for each, terms in entry.workflows.items()}
    else:
        workflows = dict.fromkeys(entry.workflows, UNLIMITED)
    own = _ceilings(entry.budget, entry.limits)
    owns = {
        backend: frozenset({names} if isinstance(names, str) else names)
        for backend, names in entry.owns.items()
    }
    return TenantSettings(name, keys, workflows, own.budget, own.limits, entry.over_budget, entry.floor, owns)


def _ceilings(budget: BudgetTerms, limits: LimitTerms) -> Ceilings:
    return Ceilings(
        BudgetSettings(budget.usd_per_day, budget.usd_per_month, budget.gpu_seconds_per_day),
        LimitSettings(limits.requests_per_minute, limits.tokens_per_minute, limits.concurrent),
    )


def _state(terms: StateTerms) -> StateSettings:
    address = terms.redis.get_secret_value() if terms.redis is not None else ""
    gone = terms.when_gone
    return StateSettings(Secret(address) if address else None, gone.money, gone.rates, gone.labels)


def _frozen(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _policy_digest(
    document: Document,
    backends: Mapping[str, BackendSettings],
    sensitivity: SensitivitySettings,
    complexity: ComplexitySettings,
) -> str:
    """Changes with whatever can change a decision or where it leads."""
    rules = document.model_dump(
        mode="json",
        include={
            "air_gapped",
            "zones",
            "models",
            "aliases",
            "boundaries",
            "routes",
            "sensitivity",
            "affinity",
        },
        by_alias=True,
    )
    reached = {name: (backend.zone, backend.replicas) for name, backend in backends.items()}
    return _digest(rules, reached, sensitivity.terms, complexity.digest)


def _digest(*values: Any) -> str:
    """Twelve hexadecimal digits that change with any of the values."""
    text = json.dumps(values, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
