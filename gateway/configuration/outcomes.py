"""What platform engineers may write about actions, what becomes of them, and the meters of GPUs."""

from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.configuration.language import Strict
from gateway.configuration.settings import ActionSettings, EnergySettings, Threshold
from gateway.configuration.units import seconds

_DURATION: Final = r"^\d+(\.\d+)?(ms|s|m|h|d)$"
Duration = Annotated[
    float,
    BeforeValidator(
        lambda value: seconds(str(value)),
        json_schema_input_type=Annotated[str, Field(pattern=_DURATION)],
    ),
]
Metric = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$", max_length=64)]


class ThresholdTerms(Strict):
    """From which figure on a metric means success. Booleans, and the words `success` and `failure`, need none."""

    at_least: float | None = Field(None, description="Success from this figure on.", examples=[4])
    at_most: float | None = Field(None, description="Success up to this figure.", examples=[0])


class ActionTerms(Strict):
    """When an action is over, and which feedback says that it succeeded."""

    quiet: Duration = Field(
        300.0,
        gt=0,
        description="The time without a request after which an action closes; feedback that comes later changes "
        "the ledger, not the counters.",
        examples=["5m"],
    )
    most_open: int = Field(
        100_000,
        ge=1,
        description="Open actions kept in memory; beyond, the oldest closes.",
        examples=[100000],
    )
    outcomes: dict[Metric, ThresholdTerms] = Field(
        {},
        description="The feedback that decides. Left out: every boolean, and the words `success` and `failure`.",
        examples=[{"task_success": {}, "rating": {"at_least": 4}}],
    )

    def settings(self) -> ActionSettings:
        """As the other rooms read it."""
        outcomes = {name: Threshold(each.at_least, each.at_most) for name, each in self.outcomes.items()}
        return ActionSettings(self.quiet, self.most_open, outcomes)


class EnergyTerms(Strict):
    """Where a backend's electricity is read: from the driver of this host's GPUs, or a DCGM exporter's page."""

    nvml: list[int] | None = Field(
        None, min_length=1, description="Indices of GPUs of this host.", examples=[[0, 1]]
    )
    dcgm: str | None = Field(
        None,
        pattern=r"^https?://",
        description="A DCGM exporter's page.",
        examples=["http://10.0.0.4:9400/metrics"],
    )
    devices: list[str] = Field(
        [], description="Which GPUs of that page, by index or UUID; left out: all.", examples=[["0", "1"]]
    )
    usd_per_kwh: Annotated[Decimal, Field(ge=0)] | None = Field(
        None,
        description="Only where the GPU's rate leaves power out: what a kilowatt-hour costs.",
        examples=[0.24],
    )
    pue: Annotated[Decimal, Field(ge=1)] = Field(
        Decimal(1), description="Kilowatt-hours paid for each that a GPU takes.", examples=[1.3]
    )

    @model_validator(mode="after")
    def _one_meter(self) -> Self:
        if (self.nvml is None) == (self.dcgm is None):
            raise ValueError("`energy` is read either with `nvml` or from `dcgm`")
        return self

    def settings(self) -> EnergySettings:
        """As the other rooms read it."""
        return EnergySettings(
            tuple(self.nvml or ()), self.dcgm, frozenset(self.devices), self.usd_per_kwh, self.pue
        )
