"""From files to a snapshot: read, validate, check, compile. Nothing half-right ever comes out."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from gateway.configuration import checks, units
from gateway.configuration.backends import BackendEntry
from gateway.configuration.diagnosis import problems_of
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
from gateway.configuration.scoring import ComplexityTerms, fault_of, read_weights
from gateway.configuration.sensitivity import SensitivityTerms
from gateway.configuration.settings import (
    UNLIMITED,
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
    Settings,
    Snapshot,
    StateSettings,
    TenantSettings,
)
from gateway.configuration.source import BESIDE, Source, Stamp, read, stamp
from gateway.configuration.source import Route as At
from gateway.configuration.spending import BudgetTerms, LimitTerms, StateTerms
from routers.complexity.weights import BadWeights
from routers.policy.conditions import ALWAYS
from routers.policy.facts import Model, Zone
from routers.policy.permits import Boundary
from routers.policy.policy import Escalate, Route
from routers.policy.reachability import never_escalating, reached_only_past, unreachable
from routers.sensitivity.label import Label, Level

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
        self._named: list[Path] = []  # files that the YAML names
        self._stamps: set[tuple[str, int, int, int]] = set()  # their state before they were read

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
        self._judge(routes, models, boundaries)
        if self._problems:
            raise ConfigurationErrors(self._problems)
        harmless = frozenset(
            kind
            for kind, level in sensitivity.unscanned.items()
            if kind != "default" and Level.named(level) < Level.CONFIDENTIAL
        )
        return Settings(
            hash=_digest(self._source.values, sensitivity.terms, complexity.digest),
            site=document.site,
            air_gapped=document.air_gapped,
            zones=zones,
            models=models,
            aliases=document.aliases,
            boundaries=boundaries,
            routes=routes,
            harmless=harmless,
            policy_hash=_policy_digest(document, backends, complexity),
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
            telemetry=document.telemetry.settings(),
            complexity=complexity,
            affinity=document.affinity.settings(),
            warnings=(
                *checks.warnings(document, self._source, today),
                *self._hints(routes, models, boundaries),
                *self._open(models, boundaries),
                *self._keyless(backends),
            ),
            files=tuple(dict.fromkeys((*self._source.files, *map(str, self._named)))),
            stamp=tuple(sorted({*state, *self._stamps})),
        )

    def files(self) -> None:
        """Look at the files that the configuration names, for problems only."""
        for name, entry in self._document.backends.items():
            self._backend(name, entry)
        self._sensitivity(self._document.sensitivity)
        self._complexity(self._document.complexity)
        self._server(self._document.server)

    def _judge(
        self, routes: tuple[Route, ...], models: Mapping[str, Model], boundaries: tuple[Boundary, ...]
    ) -> None:
        for i, why in unreachable(routes, models, boundaries):
            message = f"the route `{routes[i].name}` is unreachable: {why}"
            self._problems.append(Problem(self._source.place(("routes", i)), message, "change or remove it"))
        for i, why in never_escalating(routes, models, boundaries):
            message = f"the route `{routes[i].name}` can never escalate: {why}"
            place = self._source.place(("routes", i, "escalate"))
            self._problems.append(Problem(place, message, "change or remove `escalate`"))

    def _hints(
        self, routes: tuple[Route, ...], models: Mapping[str, Model], boundaries: tuple[Boundary, ...]
    ) -> Iterable[str]:
        for i, earlier in reached_only_past(routes, models, boundaries):
            place = self._source.place(("routes", i))
            yield str(
                Problem(
                    place,
                    f"the route `{routes[i].name}` decides only where `{earlier}` has no target left",
                )
            )

    def _open(self, models: Mapping[str, Model], boundaries: tuple[Boundary, ...]) -> Iterable[str]:
        """Outside zones that nothing keeps restricted data from."""
        restricted = Label(Level.RESTRICTED)
        for zone in dict.fromkeys(model.zone for model in models.values() if model.zone.outside):
            kept = any(
                boundary.tenants is None
                and boundary.workflows is None
                and (boundary.data is None or boundary.data.covers(restricted, unread=False))
                and boundary.only.refusal(zone) is not None
                for boundary in boundaries
            )
            if not kept:
                message = f"no boundary keeps restricted data from `{zone.name}`, which is outside"
                hint = "such as {name: stays-home, data: {at_least: confidential}, only: {inside: true}}"
                yield str(Problem(self._source.place(("zones", zone.name)), message, hint))

    def _beside(self, path: At, name: str | None) -> str | None:
        """A file named in the YAML, found from the folder the YAML stands in; it must be there."""
        if name is None:
            return None
        place = self._source.place(path)
        file = Path(place.file).parent / name
        if file.is_file():
            self._named.append(file)
            self._stamps.update(stamp([file]))
        else:
            self._problems.append(Problem(place, f"there is no file {file}"))
        return str(file)

    def _backend(self, name: str, entry: BackendEntry) -> BackendSettings:
        ca_file = self._beside(("backends", name, "tls", "ca_file"), entry.tls.ca_file)
        sizes = self._sizes(name, entry.model_config_file)
        return entry.settings(name, self._environ, ca_file, sizes)

    def _keyless(self, backends: Mapping[str, BackendSettings]) -> Iterable[str]:
        """Providers' own addresses that will refuse every call, for want of a key."""
        for name, entry in self._document.backends.items():
            wanted = entry.wanted_key(backends[name])
            if wanted is not None:
                message = f"the backend `{name}` has no api_key: its provider will refuse every call"
                yield str(Problem(self._source.place(("backends", name)), message, wanted))

    def _sizes(self, name: str, config: str | None) -> Mapping[str, object] | None:
        """A model's `config.json`."""
        path: At = ("backends", name, "model_config")
        file = self._beside(path, config)
        if file is None or not Path(file).is_file():
            return None
        try:
            sizes = json.loads(Path(file).read_bytes())
        except (OSError, ValueError):
            sizes = None
        if isinstance(sizes, dict):
            return sizes
        hint = "the file `config.json` that stands beside a model's weights"
        self._problems.append(Problem(self._source.place(path), f"{file} is not a JSON object", hint))
        return None

    def _sensitivity(self, terms: SensitivityTerms) -> SensitivitySettings:
        words = list(terms.terms)
        for i, name in enumerate(terms.terms_files):
            path: At = ("sensitivity", "terms_files", i)
            file = self._beside(path, name)
            if file is not None and Path(file).is_file():
                words.extend(self._words(path, Path(file)))
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
        path: At = ("complexity", "weights")
        file = self._beside(path, terms.weights)
        if file is None or not Path(file).is_file():
            return ComplexitySettings()
        try:
            data = read_weights(Path(file))
        except (BadWeights, OSError) as error:
            hint = "`weir router train` and `weir router calibrate` write such files; without the key, Weir's own hold"
            self._problems.append(Problem(self._source.place(path), f"{file}: {fault_of(error)}", hint))
            return ComplexitySettings()
        return ComplexitySettings(data, hashlib.sha256(data).hexdigest()[:12])

    def _words(self, path: At, file: Path) -> list[str]:
        try:
            words = json.loads(file.read_bytes())
        except (OSError, ValueError):
            words = None
        if isinstance(words, list) and all(isinstance(word, str) and word.strip() for word in words):
            return words
        self._problems.append(
            Problem(self._source.place(path), f"{file} is not a JSON list of words", 'like ["Project Heron"]')
        )
        return []

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
            prices=self._beside(("server", "prices"), terms.prices),
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
    document: Document, backends: Mapping[str, BackendSettings], complexity: ComplexitySettings
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
    return _digest(rules, reached, complexity.digest)


def _digest(*values: Any) -> str:
    """Twelve hexadecimal digits that change with any of the values."""
    text = json.dumps(values, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
