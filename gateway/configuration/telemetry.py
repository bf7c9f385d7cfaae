"""What platform engineers may write about OpenTelemetry: to which collector traces and metrics go, if any."""

from typing import Annotated

from pydantic import Field, SecretStr

from gateway.configuration.language import Strict
from gateway.configuration.outcomes import Duration
from gateway.configuration.settings import Authorities, OtlpSettings, Secret, TelemetrySettings


class OtlpTerms(Strict):
    """An OpenTelemetry collector. It is told names, counts, times and money, never a prompt or what was found."""

    endpoint: str = Field(
        pattern=r"^https?://[^/?#\s]+[^?#\s]*$",
        description="The collector's OTLP/HTTP address; /v1/traces and /v1/metrics are appended.",
        examples=["http://10.0.0.9:4318"],
    )
    zone: str = Field(description="The zone the collector stands in.", examples=["datacenter"])
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")], SecretStr] = Field(
        {},
        description="Headers of every export, such as a key; take secrets from the environment.",
        examples=[{"authorization": "${OTLP_AUTHORIZATION}"}],
    )
    ca_file: str | None = Field(
        None,
        description="Who signs the collector's certificate, relative to this YAML file; left out: the usual.",
        examples=["ca.pem"],
    )
    every: Duration = Field(5.0, gt=0, description="The time between two exports.", examples=["5s"])
    timeout: Duration = Field(5.0, gt=0, description="How long one export may take.", examples=["5s"])
    most_waiting: int = Field(
        20_000,
        ge=100,
        description="Spans kept while the collector is away; beyond, the oldest are dropped and counted.",
        examples=[20000],
    )

    def settings(self, authorities: Authorities | None) -> OtlpSettings:
        """As the other rooms read it."""
        headers = {name.lower(): Secret(value.get_secret_value()) for name, value in self.headers.items()}
        return OtlpSettings(
            self.endpoint.rstrip("/"),
            self.zone,
            headers,
            authorities,
            self.every,
            self.timeout,
            self.most_waiting,
        )


class TelemetryTerms(Strict):
    """What leaves for other tools by itself. Off unless it is configured."""

    otlp: OtlpTerms | None = Field(
        None,
        description="Traces and metrics by OTLP.",
        examples=[{"endpoint": "http://10.0.0.9:4318", "zone": "datacenter"}],
    )

    def settings(self, authorities: Authorities | None) -> TelemetrySettings:
        """As the other rooms read it."""
        return TelemetrySettings(None if self.otlp is None else self.otlp.settings(authorities))
