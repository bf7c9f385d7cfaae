"""What a configuration says of each thing, as every other room may read it: plain, immutable data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from adapters.call import Dialect
from gateway.configuration.rates import UNRATED, GpuRates

BackendKind = Literal["vllm", "openai", "anthropic", "azure", "bedrock"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that shows itself to nobody who does not ask for it by name."""

    value: str = field(repr=False)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def reveal(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `first_byte` counts from the end of the request, `idle` between two reads of an answer."""

    connect: float = 5.0
    first_byte: float = 120.0
    idle: float = 60.0
    total: float = 900.0


@dataclass(frozen=True, slots=True)
class EnergySettings:
    """Where a backend's electricity is read: GPUs of this host by index, or a DCGM exporter's page."""

    nvml: tuple[int, ...] = ()
    dcgm: str | None = None
    devices: frozenset[str] = frozenset()  # of the page, by index or UUID; empty: all
    usd_per_kwh: Decimal | None = None  # None: the GPU's rate covers it
    pue: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Credentials that sign calls to AWS; those with a session token expire. `source`: where new ones come from,
    before they do; None: they are these."""

    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    source: Literal["profile", "web_identity", "container", "instance"] | None = None
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whom to believe about certificates: a PEM file, and a digest that changes with what it holds."""

    file: str
    digest: str


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """One API endpoint family. `replicas` are base URLs without the dialect's own path (no `/v1`)."""

    name: str
    kind: BackendKind
    zone: str
    replicas: tuple[str, ...]
    api_key: Secret | None = None
    preset: str | None = None  # a provider whose differences from OpenAI are known (`adapters.presets`)
    lacks: frozenset[Dialect] = frozenset()  # dialects it does not serve, besides those of its preset
    keeps: frozenset[str] = frozenset()  # what an engine keeps by itself: responses
    api_version: str | None = None  # Azure's dated API
    region: str = ""  # AWS's
    aws: AwsSettings | None = None
    gpu: str | None = None  # as NVIDIA names it: H100, L40S
    gpus: int = 0  # of each replica
    gpu_rates: GpuRates = UNRATED
    gpu_costs: tuple[float, float, float, float] | None = None  # seconds: step, prompt, context; attention
    model_sizes: Mapping[str, object] | None = None  # the model's `config.json`
    provider: str | None = None  # the price list's word for who sells its models; None: by its address
    priced_as: Mapping[str, str] = field(default_factory=dict)  # the price list's names for its own
    timeouts: Timeouts = Timeouts()
    authorities: Authorities | None = None  # None: the system's
    energy: EnergySettings | None = None
    max_connections: int = 256  # to each replica
    default_max_tokens: int = 4096  # where the wire demands a limit and the application set none

    @property
    def ca_file(self) -> str | None:
        """The authorities' file; None: the system's."""
        return None if self.authorities is None else self.authorities.file

    @property
    def usd_per_gpu_hour(self) -> Decimal | None:
        """The rate that begins last; None: nobody said what its GPUs cost."""
        return self.gpu_rates.rates[0].usd if self.gpu_rates else None


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What may be spent per UTC day and month, in US dollars and GPU-seconds; None: no limit."""

    usd_per_day: Decimal | None = None
    usd_per_month: Decimal | None = None
    gpu_seconds_per_day: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How much at a time; None: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Ceilings:
    """All that limits a tenant, a key or a workflow."""

    budget: BudgetSettings = BudgetSettings()
    limits: LimitSettings = LimitSettings()


UNLIMITED: Final = Ceilings()


@dataclass(frozen=True, slots=True)
class KeySettings:
    """An API key: its id, the SHA-256 of the key in hexadecimal, and when it stops working (UTC)."""

    id: str
    sha256: str
    expires: datetime | None = None
    floor: str | None = None  # the lowest level its requests are taken for
    ceilings: Ceilings = UNLIMITED


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """Who pays: keys, the workflows that metrics show by name, what it may spend, and a floor under every label."""

    name: str
    keys: tuple[KeySettings, ...] = ()
    workflows: Mapping[str, Ceilings] = field(default_factory=dict)
    budget: BudgetSettings = BudgetSettings()
    limits: LimitSettings = LimitSettings()
    over_budget: Literal["refuse", "downgrade"] = "refuse"
    floor: str | None = None
    # objects that providers keep for it, by backend; "*": all that stand there
    owns: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which figure on a metric means success; both None: only a boolean or a word decides."""

    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class ActionSettings:
    """When an action is over (seconds of quiet), how many may be open, and which feedback decides (empty: any
    boolean)."""

    quiet: float = 300.0
    most_open: int = 100_000
    outcomes: Mapping[str, Threshold] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """An OpenTelemetry collector; times in seconds."""

    endpoint: str
    zone: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    authorities: Authorities | None = None  # None: the system's
    every: float = 5.0
    timeout: float = 5.0
    most_waiting: int = 20_000


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """What leaves for other tools by itself."""

    otlp: OtlpSettings | None = None


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where several gateways share what they count, and what becomes of limited requests while it is gone."""

    redis: Secret | None = None  # the address may hold a password
    money: Literal["refuse", "allow"] = "refuse"
    rates: Literal["refuse", "allow"] = "allow"
    labels: Literal["restrict", "allow"] = "restrict"


@dataclass(frozen=True, slots=True)
class ReserveSettings:
    """Upper estimates of what a request may use, held against budgets until its charge is known."""

    output_tokens: int = 4096
    gpu_seconds: float = 10.0  # of each GPU of the engine
    unpriced_usd: Decimal = Decimal("0.10")
    unpriced: Literal["estimate", "refuse"] = "estimate"


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """How long (seconds since the last turn) and for how many of a tenant's conversations a label sticks."""

    keep: float = 86_400.0
    most: int = 10_000


@dataclass(frozen=True, slots=True)
class AffinitySettings:
    """Whether a conversation keeps its replica and its model; how long (seconds since the last turn), and for how many
    of a tenant's conversations, that model is remembered."""

    replica: bool = True
    model: bool = True
    keep: float = 86_400.0
    most: int = 100_000


@dataclass(frozen=True, slots=True)
class PresidioSettings:
    """Presidio in a process of its own: the languages it looks in, an installed spaCy model for some of them (others
    have a blank pipeline), how sure it must be (0..1), and the interpreter that has it (None: Weir's own)."""

    languages: tuple[str, ...] = ("en",)
    spacy_models: Mapping[str, str] = field(default_factory=dict)
    score: float = 0.4
    python: str | None = None


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """A further detector: where it is asked (None: in a process of its own, as `engine` says), in which zone that is,
    and for how long (seconds)."""

    name: str
    kind: Literal["http", "presidio"]
    url: str | None
    zone: str
    deadline: float
    engine: PresidioSettings = PresidioSettings()


@dataclass(frozen=True, slots=True)
class SensitivitySettings:
    """How findings become a label. Values are level names; `levels` overrides the taxonomy's defaults by
    type or category; `unscanned` is by kind of content, with `default` for the kinds it does not name."""

    unlabelled: str = "internal"
    unscanned: Mapping[str, str] = field(default_factory=lambda: {"default": "restricted"})
    levels: Mapping[str, str] = field(default_factory=dict)
    terms: tuple[str, ...] = field(default=(), repr=False)  # confidential words of this deployment
    patterns: Mapping[str, str] = field(default_factory=dict, repr=False)  # and expressions, by name
    conversations: ConversationSettings = ConversationSettings()
    detectors: tuple[DetectorSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class ComplexitySettings:
    """The weights of the complexity score, known to be good; None: those that ship. `digest` tells them apart."""

    weights: bytes | None = field(default=None, repr=False)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where Prometheus scrapes: a port of its own, or (port None) the gateway's, behind a bearer token."""

    host: str = "127.0.0.1"
    port: int | None = 9464
    sha256: str | None = None  # of the bearer token that scrapers must send; None: none is asked for


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The process: where it listens, what it accepts, what it writes. Times are seconds, sizes bytes."""

    host: str = "127.0.0.1"
    port: int = 4000
    max_body: int = 32 * 1024 * 1024
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    shutdown_grace: float = 30.0
    metrics: MetricsSettings = MetricsSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    ledger: str = ".weir/ledger.sqlite"
    keep_rows: float | None = None  # seconds; None: for ever
    full_disk: Literal["refuse", "unbooked"] = "refuse"
    prices: str | None = None  # a file of dated prices laid over the built-in ones
