"""What platform engineers may write about spending: budgets, limits, and how they are kept."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from gateway.configuration.language import Strict

Dollars = Annotated[Decimal, Field(ge=0)]
Budgeted = Annotated[Decimal, Field(ge=0, le=9_000_000)]  # above, nano-dollars are no longer exact in Redis


class BudgetTerms(Strict):
    """What may be spent. Days and months are UTC; what is under way counts at its upper estimate."""

    usd_per_day: Budgeted | None = Field(None, description="US dollars per day (UTC).", examples=[200])
    usd_per_month: Budgeted | None = Field(None, description="US dollars per month (UTC).", examples=[4000])
    gpu_seconds_per_day: Annotated[Decimal, Field(ge=0, le=9_000_000_000)] | None = Field(
        None, description="Seconds of GPUs of your own per day (UTC), summed over GPUs.", examples=[36000]
    )


class LimitTerms(Strict):
    """How much at a time. Minutes are those of the clock (UTC)."""

    requests_per_minute: int | None = Field(
        None, ge=0, description="Requests begun per minute.", examples=[600]
    )
    tokens_per_minute: int | None = Field(
        None, ge=0, description="Tokens per minute, of prompts and answers together.", examples=[200000]
    )
    concurrent: int | None = Field(None, ge=0, description="Requests under way at one time.", examples=[32])


class WorkflowEntry(Strict):
    """A workflow of a tenant. The application names its workflow: this guides, and guards against nobody who
    names another."""

    budget: BudgetTerms = Field(
        BudgetTerms(), description="What it may spend.", examples=[{"usd_per_day": 20}]
    )
    limits: LimitTerms = Field(LimitTerms(), description="How much at a time.", examples=[{"concurrent": 4}])


class WhenGoneTerms(Strict):
    """What becomes of a request that is limited while Redis cannot be asked."""

    money: Literal["refuse", "allow"] = Field(
        "refuse",
        description="Where a budget (US dollars, GPU-seconds) would have to hold.",
        examples=["refuse"],
    )
    rates: Literal["refuse", "allow"] = Field(
        "allow", description="Where only rates or concurrency would.", examples=["allow"]
    )
    labels: Literal["restrict", "allow"] = Field(
        "restrict",
        description="Where the request names a conversation, and what was found in that before cannot be asked:"
        " it counts as restricted and falls under every boundary on data, or as what it shows itself.",
        examples=["restrict"],
    )


class StateTerms(Strict):
    """What several gateways share. Read at start."""

    redis: SecretStr | None = Field(
        None,
        description="Redis's address; left out, there is one gateway and it keeps its own state.",
        examples=["${REDIS_URL}"],
    )
    when_gone: WhenGoneTerms = Field(
        WhenGoneTerms(), description="While Redis cannot be asked.", examples=[{"money": "refuse"}]
    )


class ReserveTerms(Strict):
    """Upper estimates, held against budgets and token rates from before a call until its real charge is known."""

    output_tokens: int = Field(
        4096, ge=1, description="Of an answer whose length the application does not limit.", examples=[4096]
    )
    gpu_seconds: float = Field(
        10.0, gt=0, description="Of each GPU of the engine, for a request to one's own.", examples=[10]
    )
    unpriced_usd: Dollars = Field(
        Decimal("0.10"),
        description="US dollars of a request to a model whose price nobody knows: what is reserved, and charged.",
        examples=[0.10],
    )
    unpriced: Literal["estimate", "refuse"] = Field(
        "estimate",
        description="Whether tenants with a budget in US dollars may use such models, at that estimate.",
        examples=["estimate"],
    )
