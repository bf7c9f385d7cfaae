"""What platform engineers may write about the endpoints that answer: kinds, addresses, keys, and what they cost."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from adapters.presets import PRESETS
from gateway.configuration.language import Strict, known
from gateway.configuration.outcomes import Duration, EnergyTerms
from gateway.configuration.owning import GpuCostTerms, GpuRateEntry
from gateway.configuration.rates import GpuRate, GpuRates
from gateway.configuration.settings import Authorities, AwsSettings, BackendSettings, Secret, Timeouts
from gateway.configuration.spending import Dollars


def base_url(value: str) -> str:
    """The address without a trailing slash and without `/v1`, which the dialect adds."""
    url = urlsplit(value)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("a replica is an address like http://10.0.0.4:8000")
    if url.username is not None or url.password is not None:
        raise ValueError("an address holds no user or password: use api_key")
    if url.query or url.fragment:
        raise ValueError("an address holds no `?` or `#`")
    return value.rstrip("/").removesuffix("/v1").rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]
Preset = Annotated[
    str, AfterValidator(known("preset", PRESETS)), Field(json_schema_extra={"enum": sorted(PRESETS)})
]

PUBLIC_ADDRESS: Final = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com"}
_OWN_KEYS: Final = {  # keys that only one kind of backend has → that kind
    "preset": "openai", "lacks": "openai", "keeps": "vllm", "api_version": "azure", "region": "bedrock",
    "aws": "bedrock",
}  # fmt: skip
_KEY_VARIABLES: Final = {
    "azure": "AZURE_OPENAI_API_KEY",
    "bedrock": "AWS_BEARER_TOKEN_BEDROCK",
}
_SELLERS: Final = {"azure": "azure", "bedrock": "aws"}  # in the price list's words


class AwsTerms(Strict):
    """Credentials that sign calls to AWS: a key, or a place that has new ones before the old ones expire."""

    access_key_id: SecretStr | None = Field(
        None, description="The access key's id.", examples=["${AWS_ACCESS_KEY_ID}"]
    )
    secret_access_key: SecretStr | None = Field(
        None,
        description="The secret access key; from the environment, please.",
        examples=["${AWS_SECRET_ACCESS_KEY}"],
    )
    session_token: SecretStr | None = Field(
        None, description="Of credentials that expire.", examples=["${AWS_SESSION_TOKEN}"]
    )
    profile: str | None = Field(
        None,
        description="A profile of the shared credentials file (AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials),"
        " which is read again every 30 s. Profiles that assume roles or sign in are not followed.",
        examples=["bedrock"],
    )
    role: Literal["web_identity", "container", "instance"] | None = Field(
        None,
        description="The role of the service account (a web identity, as EKS has it), of the container (ECS, EKS) or of"
        " the instance (IMDSv2) that Weir runs in; renewed ten minutes before its credentials expire.",
        examples=["instance"],
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        keys = self.access_key_id is not None and self.secret_access_key is not None
        if keys + (self.profile is not None) + (self.role is not None) != 1:
            raise ValueError("write `access_key_id` and `secret_access_key`, or a `profile`, or a `role`")
        return self

    def settings(self) -> AwsSettings:
        if self.access_key_id is None or self.secret_access_key is None:
            return AwsSettings(
                source="profile" if self.role is None else self.role, profile=self.profile or ""
            )
        token = self.session_token.get_secret_value() if self.session_token is not None else ""
        return AwsSettings(
            Secret(self.access_key_id.get_secret_value()),
            Secret(self.secret_access_key.get_secret_value()),
            Secret(token) if token else None,
        )


def _renewed(environ: Mapping[str, str]) -> AwsSettings | None:
    """Where new credentials come from, as AWS's own libraries would find out, in their order; but for an instance's
    role, which has to be asked for: nothing in the environment tells of it."""
    if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environ.get("AWS_ROLE_ARN"):
        return AwsSettings(source="web_identity")
    if environ.get("AWS_PROFILE") or environ.get("AWS_SHARED_CREDENTIALS_FILE"):
        return AwsSettings(source="profile", profile=environ.get("AWS_PROFILE") or "default")
    if any(environ.get(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI") for kind in ("RELATIVE", "FULL")):
        return AwsSettings(source="container")
    return None


class TimeoutTerms(Strict):
    """How long to wait for a backend, each with its unit."""

    connect: Duration = Field(5.0, gt=0, description="For the connection.", examples=["5s"])
    first_byte: Duration = Field(120.0, gt=0, description="For the answer to begin.", examples=["60s"])
    idle: Duration = Field(60.0, gt=0, description="Between two pieces of an answer.", examples=["30s"])
    total: Duration = Field(900.0, gt=0, description="For the whole call.", examples=["10m"])


class TlsTerms(Strict):
    """Certificates are always checked; this says against what."""

    ca_file: str | None = Field(
        None, description="A PEM file of authorities, relative to this YAML file.", examples=["ca.pem"]
    )


class BackendEntry(Strict):
    """One API endpoint family, with one or more replicas that answer alike."""

    kind: Literal["vllm", "openai", "anthropic", "azure", "bedrock"] = Field(
        description="Which wire it speaks; `openai` is any OpenAI-compatible server, `bedrock` Anthropic's models"
        " there.",
        examples=["vllm"],
    )
    preset: Preset | None = Field(
        None,
        description="A provider whose differences from OpenAI Weir knows; sets address and key variable, too.",
        examples=["mistral"],
    )
    lacks: list[Literal["completions", "embeddings", "responses"]] = Field(
        [],
        description="Of OpenAI's APIs those that this server does not have; clients of responses are then served"
        " through chat.",
        examples=[["responses"]],
    )
    keeps: list[Literal["responses"]] = Field(
        [],
        description="What a `vllm` server keeps: `responses`, where it was started with "
        "VLLM_ENABLE_RESPONSES_API_STORE=1. What goes on from a response, or asks about one, goes to the "
        "replica that has it; and `background` is served.",
        examples=[["responses"]],
    )
    api_version: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Azure's dated API with deployments in the path; left out, its `/openai/v1`.",
        examples=["2024-10-21"],
    )
    region: str | None = Field(
        None,
        pattern=r"^[a-z0-9-]+$",
        description="The AWS region of a `bedrock` backend.",
        examples=["eu-central-1"],
    )
    aws: AwsTerms | None = Field(
        None,
        description="Credentials for AWS: a key, a `profile` or a `role`; left out, those of AWS_ACCESS_KEY_ID,"
        " AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or a Bedrock API key as `api_key` or in"
        " AWS_BEARER_TOKEN_BEDROCK.",
        examples=[{"access_key_id": "${KEY_ID}", "secret_access_key": "${SECRET_KEY}"}],
    )
    zone: str = Field(description="The zone it runs in.", examples=["datacenter"])
    replicas: list[BaseUrl] | None = Field(
        None,
        min_length=1,
        description="Base addresses, without `/v1`. Left out, the provider's own public address.",
        examples=[["http://10.0.0.4:8000"]],
    )
    api_key: SecretStr | None = Field(
        None, description="The key it wants; from the environment, please.", examples=["${OPENAI_API_KEY}"]
    )
    gpu: str | None = Field(None, description="The GPU's name, as NVIDIA has it.", examples=["H100"])
    gpus: int | None = Field(None, ge=1, le=1024, description="GPUs of each replica.", examples=[1, 8])
    usd_per_gpu_hour: Dollars | None = Field(
        None, description="What one GPU costs for one hour, idle or not.", examples=[2.10]
    )
    gpu_rates: list[GpuRateEntry] | None = Field(
        None,
        min_length=1,
        description="The same by day, or from what a GPU of your own cost; instead of `usd_per_gpu_hour`.",
        examples=[[{"from": "2026-07-01", "usd_per_gpu_hour": 2.10}]],
    )
    gpu_costs: GpuCostTerms | None = Field(
        None,
        description="What its engine's doings cost, as `weir gpu calibrate` found it; learning begins there.",
        examples=[{"step": 0.0085, "prompt": 3.2e-05, "context": 5.2e-08, "attention": 3.3e-05}],
    )
    model_config_file: str | None = Field(
        None,
        alias="model_config",
        description="The model's `config.json`, relative to this YAML file: where learning begins without `gpu_costs`.",
        examples=["llama-3.1-8b/config.json"],
    )
    provider: str | None = Field(
        None,
        description="Who sells its models, in the price list's words, where the address does not tell.",
        examples=["openai", "mistral"],
    )
    priced_as: dict[str, str] = Field(
        {},
        description="What the price list calls its models, where `upstream` is a name of your own, as that of an"
        " Azure deployment.",
        examples=[{"my-deployment": "gpt-5"}],
    )
    timeouts: TimeoutTerms = Field(
        TimeoutTerms(), description="How long to wait.", examples=[{"connect": "5s"}]
    )
    energy: EnergyTerms | None = Field(
        None,
        description="Where its GPUs' electricity is read.",
        examples=[{"dcgm": "http://10.0.0.4:9400/metrics"}],
    )
    tls: TlsTerms = Field(TlsTerms(), description="TLS settings.", examples=[{"ca_file": "ca.pem"}])
    max_connections: int = Field(
        256, ge=1, description="Connections to each replica at most.", examples=[256]
    )
    default_max_tokens: int = Field(
        4096, ge=1, description="The limit to send where the wire demands one.", examples=[4096]
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its replicas, or the provider's own public address."""
        return tuple(dict.fromkeys(self.replicas or [self._public_address()]))

    @property
    def key_variable(self) -> str | None:
        """The environment variable that people keep its key in, where there is a usual one."""
        return PRESETS[self.preset].key if self.preset else _KEY_VARIABLES.get(self.kind)

    @property
    def seller(self) -> str | None:
        """Who sells its models, in the price list's words; None: its address may tell."""
        return self.provider or (PRESETS[self.preset].provider if self.preset else _SELLERS.get(self.kind))

    def settings(
        self,
        name: str,
        environ: Mapping[str, str],
        authorities: Authorities | None,
        sizes: Mapping[str, object] | None,
    ) -> BackendSettings:
        """The same as the other rooms read it, with the files it names; keys left out come from the environment."""
        times, costs = self.timeouts, self.gpu_costs
        if self.api_key is None and self.key_variable is not None:
            key = environ.get(self.key_variable, "")
        else:
            key = self.api_key.get_secret_value() if self.api_key is not None else ""
        return BackendSettings(
            name=name,
            kind=self.kind,
            zone=self.zone,
            replicas=self.addresses,
            api_key=Secret(key) if key else None,
            preset=self.preset,
            lacks=frozenset(self.lacks),
            keeps=frozenset(self.keeps),
            api_version=self.api_version,
            region=self.region or "",
            aws=self._credentials(environ),
            gpu=self.gpu,
            gpus=self.gpus or 0,
            gpu_rates=self._rates(),
            gpu_costs=None if costs is None else (costs.step, costs.prompt, costs.context, costs.attention),
            model_sizes=sizes,
            provider=self.seller,
            priced_as=self.priced_as,
            timeouts=Timeouts(times.connect, times.first_byte, times.idle, times.total),
            authorities=authorities,
            energy=None if self.energy is None else self.energy.settings(),
            max_connections=self.max_connections,
            default_max_tokens=self.default_max_tokens,
        )

    def wanted_key(self, made: BackendSettings) -> str | None:
        """What to set where its provider will refuse every call, for want of a key; None where it has one, or stands
        at an address of one's own, which may need none."""
        own = self.replicas is not None and self.kind != "azure"
        if self.kind == "vllm" or own or made.api_key is not None or made.aws is not None:
            return None
        if self.kind == "bedrock":
            keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK"
            return f"set {keys}, or say `aws: {{role: …}}`"
        return "" if self.key_variable is None else f"set {self.key_variable}, or `api_key`"

    def _credentials(self, environ: Mapping[str, str]) -> AwsSettings | None:
        """What signs calls to AWS: as configured, or as the environment has it by AWS's own names."""
        if self.kind != "bedrock" or self.aws is not None:
            return None if self.aws is None else self.aws.settings()
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        access, secret, session = (environ.get(name, "") for name in names)
        if access and secret:
            return AwsSettings(Secret(access), Secret(secret), Secret(session) if session else None)
        return _renewed(environ)

    def _rates(self) -> GpuRates:
        if self.usd_per_gpu_hour is not None:
            return GpuRates((GpuRate(date.min, self.usd_per_gpu_hour),))
        return GpuRates.of(rate.rate() for rate in self.gpu_rates or ())

    def _public_address(self) -> str:
        if self.kind == "bedrock":
            return f"https://bedrock-runtime.{self.region}.amazonaws.com"
        return PRESETS[self.preset].address if self.preset else PUBLIC_ADDRESS[self.kind]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "vllm" and not self.replicas:
            raise ValueError("a vllm backend needs `replicas`, like [http://10.0.0.4:8000]")
        self._check_kind()
        if self.usd_per_gpu_hour is not None and self.gpus is None:
            raise ValueError("`usd_per_gpu_hour` needs `gpus`: how many GPUs each replica has")
        self._check_rates()
        return self

    def _check_kind(self) -> None:
        for key, kind in _OWN_KEYS.items():
            if getattr(self, key) and self.kind != kind:
                raise ValueError(
                    f"`{key}` belongs to backends of the kind {kind}, and this one is {self.kind}"
                )
        if self.kind == "azure" and not self.replicas:
            raise ValueError("an azure backend needs `replicas`, like [https://NAME.openai.azure.com]")
        if self.kind == "bedrock" and self.region is None:
            raise ValueError("a bedrock backend needs its `region`, like eu-central-1")
        if self.kind == "bedrock" and len(self.addresses) > 1:
            raise ValueError(
                "a bedrock backend has one address, which its signatures name; make a backend of each"
            )

    def _check_rates(self) -> None:
        days = [rate.since for rate in self.gpu_rates or ()]
        if days and self.gpus is None:
            raise ValueError("`gpu_rates` needs `gpus`: how many GPUs each replica has")
        if days and self.usd_per_gpu_hour is not None:
            raise ValueError("write either `usd_per_gpu_hour` or `gpu_rates`")
        if len(set(days)) < len(days):
            raise ValueError("two of the `gpu_rates` begin on the same day")
        metered = self.energy is not None and self.energy.usd_per_kwh is not None
        if metered and any(rate.rate().power for rate in self.gpu_rates or ()):
            raise ValueError(
                "electricity would be paid twice: in `owned` and by `energy`; give its price once"
            )
