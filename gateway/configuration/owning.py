"""What platform engineers may write about the cost of their GPUs, where one figure per hour does not do."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.configuration.language import Strict
from gateway.configuration.rates import GpuRate, Ownership
from gateway.configuration.spending import Dollars

_Seconds = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
_Figure = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class OwnedTerms(Strict):
    """A GPU of your own: all figures are for one GPU, with its share of server, network and room."""

    capex_usd: Dollars = Field(description="What it cost to buy.", examples=[30000])
    residual_usd: Dollars = Field(
        Decimal(0), description="What it will fetch at the end of its term.", examples=[3000]
    )
    years: Annotated[Decimal, Field(gt=0, le=30)] = Field(description="The term.", examples=[4])
    interest: Annotated[Decimal, Field(ge=0, lt=1)] = Field(
        description="A year's interest on the money in it, as a share of 1.", examples=[0.06]
    )
    yearly_usd: Dollars = Field(
        Decimal(0), description="Support, people and spares, each year.", examples=[2500]
    )
    kilowatts: _Figure = Field(Decimal(0), description="Its power at work.", examples=[0.9])
    pue: Annotated[Decimal, Field(ge=1, le=5)] = Field(
        Decimal(1), description="The site's power over the machines' own.", examples=[1.3]
    )
    usd_per_kwh: _Figure = Field(Decimal(0), description="The tariff.", examples=[0.12])


class GpuCostTerms(Strict):
    """Seconds that an engine takes for each thing it does. Only what they are beside each other matters to bills."""

    step: _Seconds = Field(description="One step.", examples=[0.0085])
    prompt: _Seconds = Field(description="One prompt token computed.", examples=[3.2e-05])
    context: _Seconds = Field(description="One token of context read back.", examples=[5.2e-08])
    attention: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = Field(
        0.0,
        description="The share by which a token of context makes a prompt token dearer.",
        examples=[3.3e-05],
    )


class GpuRateEntry(Strict):
    """What one GPU costs for one hour, idle or not, from a day on: a figure, or what it follows from."""

    since: date | None = Field(
        None, alias="from", description="Its first day (UTC); left out: always.", examples=["2026-07-01"]
    )
    usd_per_gpu_hour: Dollars | None = Field(None, description="The figure.", examples=[2.10])
    owned: OwnedTerms | None = Field(
        None,
        description="A GPU of your own.",
        examples=[{"capex_usd": 30000, "years": 4, "interest": 0.06}],
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.usd_per_gpu_hour is None) == (self.owned is None):
            raise ValueError("a rate has either `usd_per_gpu_hour` or `owned`")
        return self

    def rate(self) -> GpuRate:
        """As the other rooms read it."""
        since = self.since or date.min
        terms = self.owned
        if terms is None:
            return GpuRate(since, self.usd_per_gpu_hour or Decimal(0))
        return GpuRate.of_owned(
            since,
            Ownership(
                terms.capex_usd,
                terms.residual_usd,
                terms.years,
                terms.interest,
                terms.yearly_usd,
                terms.kilowatts,
                terms.pue,
                terms.usd_per_kwh,
            ),
        )
