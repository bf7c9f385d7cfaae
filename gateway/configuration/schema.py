"""What platform engineers may write: every key of the YAML with its type, limits, meaning and an example."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from gateway.configuration.affinity import AffinityTerms
from gateway.configuration.backends import BackendEntry
from gateway.configuration.language import (
    DataTerms,
    LevelName,
    Name,
    Names,
    OnlyTerms,
    OutsideTerms,
    Strict,
    When,
    known,
)
from gateway.configuration.outcomes import ActionTerms, Duration
from gateway.configuration.scoring import ComplexityTerms
from gateway.configuration.sensitivity import SensitivityTerms
from gateway.configuration.spending import (
    BudgetTerms,
    LimitTerms,
    ReserveTerms,
    StateTerms,
    WorkflowEntry,
)
from gateway.configuration.telemetry import TelemetryTerms
from gateway.configuration.units import size
from routers.policy.facts import Openness
from routers.policy.policy import FAULTS
from routers.signals import CAPABILITIES

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_HEX: Final = "0" * 64


class Text:
    """Patterns of what is written as text and is a number inside."""

    DURATION: Final = r"^\d+(\.\d+)?(ms|s|m|h|d)$"
    SIZE: Final = r"^\d+(B|KB|MB|GB)$"


def _size(value: object) -> object:
    return size(str(value))


Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=Annotated[str, Field(pattern=Text.SIZE)])]
Capability = Annotated[
    str,
    AfterValidator(known("capability", CAPABILITIES)),
    Field(json_schema_extra={"enum": list(CAPABILITIES)}),
]


class ZoneEntry(Strict):
    """Where models run. A fact left out is unknown, and an unknown fact satisfies no boundary."""

    inside: bool = Field(description="Whether it is inside your own boundary.", examples=[True])
    jurisdiction: str | None = Field(None, description="Whose law holds there.", examples=["EU", "US"])
    retention_days: int | None = Field(
        None, ge=0, description="For how many days it keeps what it is sent; 0: not at all.", examples=[0, 30]
    )
    trains_on_data: bool | None = Field(
        None, description="Whether it trains models on what it is sent.", examples=[False]
    )
    certified: list[str] = Field([], description="Certificates and agreements it holds.", examples=[["soc2"]])


class ModelEntry(Strict):
    """A name that applications and rules use."""

    backend: str = Field(description="The backend that serves it.", examples=["gpu-a"])
    upstream: str | None = Field(
        None, description="The backend's own name for it; left out, the same name.", examples=["gpt-5"]
    )
    context: int | None = Field(
        None, ge=1, description="Tokens it takes, prompt and answer together.", examples=[131072]
    )
    can: list[Capability] = Field(
        [], description="What it can do besides text.", examples=[["tools", "vision"]]
    )
    retires: date | None = Field(
        None, description="The day from which it is gone (UTC).", examples=["2027-06-30"]
    )
    openness: Openness = Field(
        "unknown", description="Whether its weights are open.", examples=["open_weights"]
    )
    license: str | None = Field(None, description="The licence of its weights.", examples=["apache-2.0"])


class KeyEntry(Strict):
    """An API key, known by its SHA-256 alone. `weir keys create` prints this line."""

    id: Name = Field(description="A name for the key in logs and lists.", examples=["app-1"])
    sha256: Sha256 = Field(description="The key's SHA-256 in lower-case hexadecimal.", examples=[_HEX])
    expires: datetime | None = Field(
        None,
        description="When it stops working (UTC); a day means its first moment.",
        examples=["2027-01-01"],
    )
    floor: LevelName | None = Field(
        None, description="The lowest level its requests are taken for.", examples=["confidential"]
    )
    budget: BudgetTerms = Field(
        BudgetTerms(), description="What it may spend of its tenant's budget.", examples=[{"usd_per_day": 20}]
    )
    limits: LimitTerms = Field(
        LimitTerms(), description="How much at a time.", examples=[{"requests_per_minute": 60}]
    )


def _named_or_list(value: object) -> str:
    return "named" if isinstance(value, dict) else "list"


Workflows = Annotated[
    Annotated[dict[Name, WorkflowEntry], Tag("named")] | Annotated[list[Name], Tag("list")],
    Discriminator(_named_or_list),
]


ObjectName = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^*]")]


class TenantEntry(Strict):
    """Who pays: a team, a customer, an application."""

    keys: list[KeyEntry] = Field(
        [], description="Its API keys; two valid ones make rotation easy.", examples=[[]]
    )
    workflows: Workflows = Field(
        [],
        description="Workflows that metrics show by name, others being `other`: a list, or each with a budget"
        " and limits of its own.",
        examples=[["invoices"], {"invoices": {"budget": {"usd_per_day": 20}}}],
    )
    budget: BudgetTerms = Field(
        BudgetTerms(), description="What it may spend.", examples=[{"usd_per_day": 200}]
    )
    limits: LimitTerms = Field(
        LimitTerms(), description="How much at a time.", examples=[{"requests_per_minute": 600}]
    )
    over_budget: Literal["refuse", "downgrade"] = Field(
        "refuse",
        description="What becomes of a request whose first model the budget does not cover: a 429, or the next"
        " of its route's permitted models that it does cover.",
        examples=["downgrade"],
    )
    floor: LevelName | None = Field(
        None, description="The lowest level its requests are taken for.", examples=["internal"]
    )
    owns: dict[str, Annotated[list[ObjectName], Field(min_length=1)] | Literal["*"]] = Field(
        {},
        description="What providers keep for it though it was not made through Weir (files, vector stores, prompts, "
        "voices …), by backend: ids, or `*` where the backend's account is this tenant's alone. No other tenant can "
        "name them.",
        examples=[{"openai": ["vs_68ab", "pmpt_68cd"], "openai-acme": "*"}],
    )


class BoundaryEntry(Strict):
    """A hard limit that holds for every rule, fallback, retry, alias and explicit name."""

    name: Name = Field(description="Its name: what a refused client is told.", examples=["stays-home"])
    data: DataTerms | None = Field(
        None, description="The data it speaks of; left out: all.", examples=[{"at_least": "confidential"}]
    )
    tenants: Names | None = Field(None, description="For these tenants only.", examples=[["acme-eu"]])
    workflows: Names | None = Field(
        None,
        description="For these workflows only. The application names its workflow: this guides, and guards"
        " against nobody who names another.",
        examples=[["invoice-extraction"]],
    )
    only: OnlyTerms = Field(description="What a zone must be to be allowed.", examples=[{"inside": True}])
    outside: OutsideTerms | None = Field(
        None,
        description="How data may go to other zones all the same; left out: in no way.",
        examples=[{"if": "redacted"}],
    )

    @model_validator(mode="after")
    def _speaks_of_data(self) -> Self:
        if self.outside is not None and self.data is None:
            raise ValueError(
                "`outside` needs `data`: a boundary on every request holds whatever is redacted from it"
            )
        return self


def _weights_or_list(value: object) -> str:
    return "weights" if isinstance(value, dict) else "list"


FaultName = Annotated[
    str, AfterValidator(known("fault", FAULTS)), Field(json_schema_extra={"enum": list(FAULTS)})
]
Faults = Annotated[list[FaultName], Field(min_length=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Targets = Annotated[
    Annotated[dict[str, Weight], Field(min_length=1), Tag("weights")] | Annotated[Names, Tag("list")],
    Discriminator(_weights_or_list),
]


class EscalateTerms(Strict):
    """An answer that is at fault is not passed on: its request is tried once more on other models, if permitted. An
    unstreamed answer is judged whole, a streamed one only by what came before its first word."""

    to: Names = Field(
        description="Models to try, in order; only their answers are not judged.", examples=[["gpt-5"]]
    )
    on: Faults = Field(
        list(FAULTS),
        description="`cut`: it broke off, or ended at a limit the client did not set; `refused`; `empty`; `schema`:"
        " it is not the JSON that the request declared, or the arguments of a tool's call are not.",
        examples=[["refused", "empty", "schema"]],
    )


class RouteEntry(Strict):
    """A rule. The first that holds and has a permitted target wins; the last has no condition."""

    name: Name = Field(description="Its name, in headers and metrics.", examples=["hard"])
    when: When | None = Field(
        None, description="When it holds; left out: always.", examples=[{"complexity": {"at_least": 0.7}}]
    )
    use: Targets = Field(
        description="Models: a list in the order to try them, or weights to draw by.",
        examples=[["gpt-5"], {"llama-8b": 95, "llama-8b-ft": 5}],
    )
    on_failure: list[str] = Field(
        [], description="Models to try after those, in order.", examples=[["llama-8b"]]
    )
    escalate: EscalateTerms | None = Field(
        None,
        description="What to do about answers that are at fault; left out: pass them on.",
        examples=[{"to": ["gpt-5"], "on": ["refused", "empty", "schema"]}],
    )


class MetricsTerms(Strict):
    """Where Prometheus scrapes."""

    host: str = Field("127.0.0.1", description="The address to listen on.", examples=["0.0.0.0"])  # noqa: S104  # an example in the schema
    port: int | None = Field(
        9464, ge=0, le=65535, description="A port of its own; null: the gateway's.", examples=[9464]
    )
    sha256: Sha256 | None = Field(
        None, description="The SHA-256 of the bearer token scrapers must send.", examples=[_HEX]
    )

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if self.port is None and self.sha256 is None:
            raise ValueError("metrics on the gateway's own port need `sha256`, a token's, to protect them")
        return self


class ServerTerms(Strict):
    """The process: where it listens, what it accepts, what it writes."""

    host: str = Field("127.0.0.1", description="The address to listen on.", examples=["0.0.0.0"])  # noqa: S104  # an example in the schema
    port: int = Field(4000, ge=0, le=65535, description="The port; 0: any that is free.", examples=[4000])
    max_body: Size = Field(32 * 1024 * 1024, gt=0, description="The largest request body.", examples=["32MB"])
    header_timeout: Duration = Field(10.0, gt=0, description="For a request's headers.", examples=["10s"])
    body_timeout: Duration = Field(30.0, gt=0, description="For a request's body.", examples=["30s"])
    shutdown_grace: Duration = Field(
        30.0, gt=0, description="How long running answers may take at shutdown.", examples=["30s"]
    )
    metrics: MetricsTerms = Field(MetricsTerms(), description="Prometheus.", examples=[{"port": 9464}])
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines to log.", examples=["info"]
    )
    ledger: str = Field(
        ".weir/ledger.sqlite",
        description="The ledger's file, relative to where Weir runs.",
        examples=["ledger.sqlite"],
    )
    keep_rows: Duration | None = Field(
        None,
        gt=0,
        description="For how long the ledger keeps rows; hourly sums stay. Left out: for ever.",
        examples=["90d"],
    )
    full_disk: Literal["refuse", "unbooked"] = Field(
        "refuse",
        description="With no room for the journal: refuse requests (503), or serve them unbooked and count them.",
        examples=["refuse"],
    )
    prices: str | None = Field(
        None,
        description="A file of prices over the built-in ones, relative to this YAML file.",
        examples=["prices.json"],
    )


ROUTED_BY_DEFAULT: Final = {"auto": "routed"}


class Document(Strict):
    """Weir's configuration: zones and models, boundaries and routes, tenants, and the process."""

    site: str | None = Field(None, description="The zone this gateway stands in.", examples=["datacenter"])
    air_gapped: bool = Field(
        False, description="True refuses every zone that is not inside.", examples=[False]
    )
    zones: dict[Name, ZoneEntry] = Field(
        {}, description="Where models run, by name.", examples=[{"datacenter": {"inside": True}}]
    )
    backends: dict[Name, BackendEntry] = Field(
        {}, description="Endpoints, by name.", examples=[{"openai": {"kind": "openai", "zone": "openai"}}]
    )
    models: dict[Name, ModelEntry] = Field(
        {}, description="Models, by the name applications use.", examples=[{"gpt-5": {"backend": "openai"}}]
    )
    aliases: dict[Name, str] = Field(
        ROUTED_BY_DEFAULT,
        description="More names that applications may send: `routed` (the rules choose) or a model's name.",
        examples=[{"auto": "routed", "gpt-4o": "routed"}],
    )
    tenants: dict[Name, TenantEntry] = Field({}, description="Who pays, by name.", examples=[{"acme-eu": {}}])
    sensitivity: SensitivityTerms = Field(
        SensitivityTerms(),
        description="How what is found becomes a label.",
        examples=[{"unlabelled": "internal"}],
    )
    complexity: ComplexityTerms = Field(
        ComplexityTerms(),
        description="What the complexity score is made with.",
        examples=[{"weights": "complexity.weights"}],
    )
    boundaries: list[BoundaryEntry] = Field(
        [],
        description="Hard limits on where data may go; all of them always hold.",
        examples=[[{"name": "stays-home", "data": {"at_least": "confidential"}, "only": {"inside": True}}]],
    )
    routes: list[RouteEntry] = Field(
        [], description="Rules, in order.", examples=[[{"name": "everyday", "use": ["llama-8b"]}]]
    )
    affinity: AffinityTerms = Field(
        AffinityTerms(),
        description="What a conversation keeps from turn to turn.",
        examples=[{"keep": "24h"}],
    )
    state: StateTerms = Field(
        StateTerms(), description="What several gateways share.", examples=[{"redis": "${REDIS_URL}"}]
    )
    reserve: ReserveTerms = Field(
        ReserveTerms(), description="Upper estimates for budgets.", examples=[{"output_tokens": 4096}]
    )
    actions: ActionTerms = Field(
        ActionTerms(),
        description="When an action is over, and when it succeeded.",
        examples=[{"quiet": "5m"}],
    )
    telemetry: TelemetryTerms = Field(
        TelemetryTerms(),
        description="What leaves for other tools by itself.",
        examples=[{"otlp": {"endpoint": "http://10.0.0.9:4318", "zone": "datacenter"}}],
    )
    server: ServerTerms = Field(ServerTerms(), description="The process.", examples=[{"port": 4000}])


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file, for editors."""
    schema = Document.model_json_schema()
    for part in schema["$defs"].values():
        for field in part.get("properties", {}).values():
            _write_default(field)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Weir configuration",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _write_default(field: dict[str, Any]) -> None:
    """Defaults of durations and sizes, which are numbers inside, as people write them."""
    match field:
        case {"pattern": Text.DURATION, "default": float(value)}:
            field["default"] = f"{value:g}s"
        case {"pattern": Text.SIZE, "default": int(value)}:
            field["default"] = f"{value // 1024**2}MB"
