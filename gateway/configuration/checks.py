"""What must be true of a configuration beyond the type of each value: names that exist, facts that fit."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from urllib.parse import urlsplit

from adapters.presets import PRESETS
from gateway.configuration.backends import PUBLIC_ADDRESS, BackendEntry
from gateway.configuration.problems import Problem, nearest
from gateway.configuration.schema import Document, RouteEntry
from gateway.configuration.sensitivity import APART, DetectorEntry
from gateway.configuration.source import Route, Source
from gateway.configuration.units import utc
from routers.policy.conditions import Hardest, atoms, percent
from routers.policy.permits import AIR_GAP
from routers.policy.policy import EXPLICIT, ROUTED
from routers.sensitivity.label import Level
from routers.sensitivity.patterns import fault

Found = Iterator[Problem]
_OUTSIDE = {*PUBLIC_ADDRESS.values(), *(preset.address for preset in PRESETS.values())}  # whoever asks
_SOON = 30  # days before a retirement worth a warning


def problems(document: Document, source: Source, today: date) -> list[Problem]:
    """Everything wrong with names and facts; the rules' own logic is judged by `reachability`."""
    check = _Check(document, source, today)
    return [
        *check.zones(),
        *check.backends(),
        *check.models(),
        *check.aliases(),
        *check.boundaries(),
        *check.routes(),
        *check.tenants(),
        *check.ownership(),
        *check.price_names(),
        *check.state(),
        *check.detectors(),
        *check.patterns(),
        *check.telemetry(),
    ]


def warnings(document: Document, source: Source, today: date) -> list[str]:
    """What is allowed and may still surprise."""
    return [str(problem) for problem in _Warn(document, source, today).all()]


class _Check:
    def __init__(self, document: Document, source: Source, today: date) -> None:
        self.document = document
        self.source = source
        self.today = today

    def _problem(self, path: Route, message: str, suggestion: str = "") -> Problem:
        return Problem(self.source.place(path), message, suggestion)

    def _unknown(self, path: Route, noun: str, name: str, allowed: Iterable[str]) -> Found:
        if name not in (names := list(allowed)):
            shown = f" `{name}`" if self.source.shown(path) else " of that name"
            yield self._problem(path, f"there is no {noun}{shown}", nearest(name, names, noun=noun))

    def zones(self) -> Found:
        document = self.document
        if document.site is not None:
            yield from self._unknown(("site",), "zone", document.site, document.zones)
            zone = document.zones.get(document.site)
            if zone is not None and not zone.inside:
                yield self._problem(
                    ("site",),
                    f"the gateway cannot stand in `{document.site}`, which is outside",
                    "everything it is sent would be outside already",
                )
        if document.air_gapped:
            for name, zone in document.zones.items():
                if not zone.inside:
                    yield self._problem(
                        ("zones", name),
                        f"the zone `{name}` is outside, and `air_gapped: true` admits none",
                        "remove the zone with its backends and models, or set air_gapped: false",
                    )

    def backends(self) -> Found:
        for name, backend in self.document.backends.items():
            here: Route = ("backends", name)
            yield from self._unknown((*here, "zone"), "zone", backend.zone, self.document.zones)
            zone = self.document.zones.get(backend.zone)
            for url in _OUTSIDE & set(backend.addresses):
                if zone is not None and zone.inside:
                    yield self._problem(
                        here,
                        f"the backend `{name}` is at {url}, which cannot be inside, but its zone is",
                        "give it a zone that is outside, or `replicas` of your own",
                    )

    def models(self) -> Found:
        for name, model in self.document.models.items():
            here: Route = ("models", name)
            if name == ROUTED:
                yield self._problem(
                    here, f"`{ROUTED}` says that the rules choose; a model cannot be named so"
                )
            yield from self._unknown((*here, "backend"), "backend", model.backend, self.document.backends)
            if model.retires is not None and model.retires <= self.today:
                yield self._problem(
                    (*here, "retires"),
                    f"the model `{name}` has been retired since {model.retires}",
                    "remove it from models, aliases and routes, or name its successor",
                )

    def aliases(self) -> Found:
        models = self.document.models
        for alias, name in self.document.aliases.items():
            here: Route = ("aliases", alias)
            if alias in models:
                yield self._problem(
                    here, f"`{alias}` is the name of a model already", "one name, one meaning"
                )
            if name != ROUTED:
                yield from self._unknown(here, "model", name, [*models, ROUTED])

    def boundaries(self) -> Found:
        yield from self._doubles("boundaries", [each.name for each in self.document.boundaries], {AIR_GAP})
        for i, boundary in enumerate(self.document.boundaries):
            here: Route = ("boundaries", i)
            for j, tenant in enumerate(boundary.tenants or ()):
                yield from self._unknown((*here, "tenants", j), "tenant", tenant, self.document.tenants)
            for j, zone in enumerate(boundary.only.zone or ()):
                yield from self._unknown((*here, "only", "zone", j), "zone", zone, self.document.zones)

    def _doubles(self, section: str, names: list[str], reserved: set[str]) -> Found:
        first: dict[str, int] = {}
        for i, name in enumerate(names):
            here: Route = (section, i, "name")
            if name in reserved:
                yield self._problem(here, f"`{name}` is a name that Weir uses itself", "choose another")
            if name in first:
                there = self.source.place((section, first[name], "name"))
                yield self._problem(here, f"`{name}` stands already at {there}", "choose another name")
            first.setdefault(name, i)

    def routes(self) -> Found:
        routes = self.document.routes
        if not routes:
            if ROUTED in self.document.aliases.values():
                yield self._problem(
                    ("routes",),
                    "there is no route, so nothing can be routed",
                    "add one without `when`; or write `aliases: {}` if every application names its model",
                )
            return
        yield from self._doubles("routes", [each.name for each in routes], {EXPLICIT})
        for i, route in enumerate(routes):
            yield from self._targets(("routes", i), route)
            yield from self._named(route, ("routes", i, "when"))
            yield from self._one_share(route, ("routes", i, "when"))
        for i, (earlier, later) in enumerate(pairwise(routes)):
            if earlier.when is None:
                yield self._problem(
                    ("routes", i + 1),
                    f"the route `{later.name}` is unreachable: `{earlier.name}` before it has no condition",
                    f"give `{earlier.name}` a `when`, or move it to the end",
                )
        if routes[-1].when is not None:
            yield self._problem(
                ("routes", len(routes) - 1, "when"),
                f"the last route `{routes[-1].name}` has a condition, so some requests would match no route",
                "add a last route without `when`",
            )

    def _targets(self, here: Route, route: RouteEntry) -> Found:
        for i, name in enumerate(route.use):
            step = name if isinstance(route.use, dict) else i
            yield from self._unknown((*here, "use", step), "model", name, self.document.models)
        for i, name in enumerate(route.on_failure):
            yield from self._unknown((*here, "on_failure", i), "model", name, self.document.models)
        for i, name in enumerate(route.escalate.to if route.escalate is not None else ()):
            yield from self._unknown((*here, "escalate", "to", i), "model", name, self.document.models)
        if isinstance(route.use, dict) and not sum(route.use.values()):
            yield self._problem((*here, "use"), f"the weights of the route `{route.name}` are all 0")

    def _named(self, route: RouteEntry, here: Route) -> Found:
        """Names inside conditions, however deep."""
        routed = [alias for alias, name in self.document.aliases.items() if name == ROUTED]
        waiting = [(route.when, here)] if route.when is not None else []
        while waiting:
            when, path = waiting.pop()
            for i, tenant in enumerate(when.tenant or ()):
                yield from self._unknown((*path, "tenant", i), "tenant", tenant, self.document.tenants)
            for i, model in enumerate(when.model or ()):
                yield from self._unknown((*path, "model", i), "routed alias", model, routed)
            for key, parts in (("all", when.all), ("any", when.any)):
                waiting.extend((part, (*path, key, i)) for i, part in enumerate(parts or ()))
            if when.not_ is not None:
                waiting.append((when.not_, (*path, "not")))

    def _one_share(self, route: RouteEntry, here: Route) -> Found:
        """A route has one rolling threshold."""
        found = atoms(route.when.condition()) if route.when is not None else ()
        shares = sorted({percent(each.share) for each in found if isinstance(each, Hardest)})
        if len(shares) > 1:
            yield self._problem(
                here,
                f"the route `{route.name}` asks for the hardest {' and '.join(shares)}: a route has one share",
                "make it two routes",
            )

    def tenants(self) -> Found:
        held: dict[str, Route] = {}
        for name, tenant in self.document.tenants.items():
            ids: set[str] = set()
            for i, key in enumerate(tenant.keys):
                here: Route = ("tenants", name, "keys", i)
                if key.id in ids:
                    yield self._problem((*here, "id"), f"the tenant `{name}` has two keys named `{key.id}`")
                ids.add(key.id)
                if key.sha256 in held:
                    there = self.source.place(held[key.sha256])
                    yield self._problem(
                        here, f"this key stands already at {there}", "each key belongs to one tenant"
                    )
                held.setdefault(key.sha256, here)

    def ownership(self) -> Found:
        """What a tenant owns stands with a backend, and an account has one owner."""
        accounts: dict[str, str] = {}
        for name, tenant in self.document.tenants.items():
            for backend, names in tenant.owns.items():
                here: Route = ("tenants", name, "owns", backend)
                yield from self._unknown(here, "backend", backend, self.document.backends)
                if names == "*" and accounts.setdefault(backend, name) != name:
                    yield self._problem(
                        here,
                        f"everything that `{backend}` keeps is `{accounts[backend]}`'s already",
                        "give each tenant a backend of its own, with a key of its own account",
                    )

    def price_names(self) -> Found:
        """Names for the price list are of models that are there."""
        for name, backend in self.document.backends.items():
            models = self.document.models.items()
            served = [model.upstream or key for key, model in models if model.backend == name]
            for upstream in backend.priced_as:
                yield from self._unknown(
                    ("backends", name, "priced_as", upstream), "model of this backend", upstream, served
                )

    def detectors(self) -> Found:
        first: dict[str, int] = {}
        for i, each in enumerate(self.document.sensitivity.detectors):
            here: Route = ("sensitivity", "detectors", i)
            if each.zone is not None:
                yield from self._unknown((*here, "zone"), "zone", each.zone, self.document.zones)
            if first.setdefault(each.name, i) != i:
                yield self._problem((*here, "name"), f"there are two detectors named `{each.name}`")
            yield from self._asked(here, each)

    def _asked(self, here: Route, each: DetectorEntry) -> Found:
        """Whether it is said where a detector is asked, and nothing that does not hold there."""
        site = self.document.site
        if each.kind == "http" and each.url is None:
            yield self._problem(here, f"the detector `{each.name}` has no `url`", "where it is asked")
        if (each.zone or site) is None:
            yield self._problem(here, f"the detector `{each.name}` stands in no zone", "name its `zone`")
        if each.apart and each.zone is not None and each.zone != site:
            yield self._problem(
                (*here, "zone"),
                f"the detector `{each.name}` runs on this machine, which is not in `{each.zone}`",
                f"leave `zone` out: it is the site, {site}" if site else "say which zone the `site` is",
            )
        for name in APART if not each.apart else ():
            if getattr(each, name) is not None:
                yield self._problem(
                    (*here, name),
                    f"`{name}` is for Presidio in a process of Weir's own, and `{each.name}` is asked elsewhere",
                )

    def patterns(self) -> Found:
        for name, pattern in self.document.sensitivity.patterns.items():
            if why := fault(pattern):
                yield self._problem(("sensitivity", "patterns", name), f"pattern `{name}`: {why}")

    def telemetry(self) -> Found:
        otlp = self.document.telemetry.otlp
        if otlp is not None:
            yield from self._unknown(("telemetry", "otlp", "zone"), "zone", otlp.zone, self.document.zones)

    def state(self) -> Found:
        redis = self.document.state.redis
        address = redis.get_secret_value() if redis is not None else ""
        if address and urlsplit(address).scheme not in {"redis", "rediss", "unix"}:
            yield self._problem(
                ("state", "redis"), "this is not Redis's address", "like redis://127.0.0.1:6379/0"
            )


class _Warn(_Check):
    def all(self) -> Found:
        if not self.document.tenants:
            yield self._problem(("tenants",), "there is no tenant: every request will be refused with 401")
        yield from self._retiring()
        yield from self._expired()
        yield from self._raised()
        yield from self._facts()
        for name, backend in self.document.backends.items():
            yield from self._plain_text(name, backend)

    def _retiring(self) -> Found:
        for name, model in self.document.models.items():
            if model.retires is not None and 0 < (model.retires - self.today).days <= _SOON:
                yield self._problem(
                    ("models", name, "retires"), f"the model `{name}` retires on {model.retires}"
                )

    def _expired(self) -> Found:
        now = datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC)
        for name, tenant in self.document.tenants.items():
            for i, key in enumerate(tenant.keys):
                if key.expires is not None and utc(key.expires) <= now:
                    yield self._problem(
                        ("tenants", name, "keys", i), f"the key `{key.id}` of `{name}` has expired"
                    )

    def _raised(self) -> Found:
        for i, boundary in enumerate(self.document.boundaries):
            if boundary.data is None or boundary.data.level is None:
                continue
            lowest = min(map(Level.named, boundary.data.level))
            if len(set(boundary.data.level)) <= max(Level) - lowest:
                yield self._problem(
                    ("boundaries", i, "data", "level"),
                    f"the boundary `{boundary.name}` holds for every level from {lowest} up:"
                    " a client may raise its label and must not escape by it",
                    f"write at_least: {lowest} to say so",
                )

    def _facts(self) -> Found:
        """Facts asked for that no zone states: most often a slip of the pen."""
        zones = self.document.zones.values()
        stated = {
            "jurisdiction": {zone.jurisdiction for zone in zones if zone.jurisdiction},
            "certified": {name for zone in zones for name in zone.certified},
        }
        for i, boundary in enumerate(self.document.boundaries):
            for key, names in stated.items():
                for j, asked in enumerate(getattr(boundary.only, key) or ()):
                    if asked not in names:
                        yield self._problem(
                            ("boundaries", i, "only", key, j),
                            f"no zone states {key} `{asked}`, so `{boundary.name}` admits none by it",
                            nearest(asked, names),
                        )

    def _plain_text(self, name: str, backend: BackendEntry) -> Found:
        zone = self.document.zones.get(backend.zone)
        for i, url in enumerate(backend.replicas or ()):
            parts = urlsplit(url)
            nearby = parts.hostname in {"localhost", "127.0.0.1", "::1"}  # a stand-in, or a tunnel's end
            if zone is not None and not zone.inside and parts.scheme == "http" and not nearby:
                yield self._problem(
                    ("backends", name, "replicas", i),
                    f"`{name}` is outside and reached without TLS",
                    "use https://",
                )
