"""The ledger as rows of FOCUS 1.4, the FinOps Foundation's format for cost and usage: what finance tools read.

One row for each hour and each kind of spending. Models rented by the token: a row for each tenant, workflow,
route and model. GPUs of ours: an hour of a replica is one charge, split by measured GPU time over those it
worked for, with rows of their own for idle, foreign, waiting and unobserved time; the ratios sum to 1. So is its
electricity, where that is paid for beside the GPU's rate.

`EffectiveCost` is what it cost, re-ratings included; `x_BookedCost` is what was booked at the time. `BilledCost` is
0 throughout: the provider's invoice, which finance has already, must not be counted twice. List prices are not kept
by the ledger: `ListCost` and `ContractedCost` repeat `EffectiveCost`, and both unit prices are what a unit of the row
came to, all its token classes together; a row that lacks some price has none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final, Literal

import orjson

from gateway.ledger.encoding import plain_decimal
from gateway.ledger.store import Store
from gateway.ledger.sums import ENERGY, GPU_TIME, RERATED, SPENT, EnergySum, GpuTime, Rerated, Spend

ColumnType = Literal["string", "decimal", "datetime"]  # a JSON column is a string that holds an object
Value = str | Decimal | datetime | None
Row = Mapping[str, Value]

# In the specification's own (alphabetical) order, then what Weir adds. Columns of the specification that are
# not here are conditional ones whose condition never holds: commitments, invoices, reservations, other currencies,
# regions.
COLUMNS: Final[Mapping[str, ColumnType]] = {
    "AllocatedMethodDetails": "string",
    "AllocatedMethodId": "string",
    "AllocatedResourceId": "string",
    "AllocatedResourceName": "string",
    "AllocatedTags": "string",
    "BilledCost": "decimal",
    "BillingAccountId": "string",
    "BillingAccountName": "string",
    "BillingAccountType": "string",
    "BillingCurrency": "string",
    "BillingPeriodEnd": "datetime",
    "BillingPeriodStart": "datetime",
    "ChargeCategory": "string",
    "ChargeClass": "string",
    "ChargeDescription": "string",
    "ChargeFrequency": "string",
    "ChargePeriodEnd": "datetime",
    "ChargePeriodStart": "datetime",
    "ConsumedQuantity": "decimal",
    "ConsumedUnit": "string",
    "ContractedCost": "decimal",
    "ContractedUnitPrice": "decimal",
    "EffectiveCost": "decimal",
    "HostProviderName": "string",
    "InvoiceIssuerName": "string",
    "ListCost": "decimal",
    "ListUnitPrice": "decimal",
    "PricingCategory": "string",
    "PricingQuantity": "decimal",
    "PricingUnit": "string",
    "ResourceId": "string",
    "ResourceName": "string",
    "ResourceType": "string",
    "ServiceCategory": "string",
    "ServiceName": "string",
    "ServiceProviderName": "string",
    "ServiceSubcategory": "string",
    "SkuId": "string",
    "SkuMeter": "string",
    "SkuPriceDetails": "string",
    "SkuPriceId": "string",
    "SubAccountId": "string",
    "SubAccountName": "string",
    "SubAccountType": "string",
    "Tags": "string",
    "x_BookedCost": "decimal",
    "x_Calls": "decimal",
    "x_CachedTokens": "decimal",
    "x_InputTokens": "decimal",
    "x_OutputTokens": "decimal",
    "x_Unpriced": "decimal",
}
METHOD: Final = "weir-gpu-time"  # AllocatedMethodId: ARCHITECTURE and the guide say how the time is measured

_HOUR: Final = timedelta(hours=1)
_DAY_NS: Final = 86_400_000_000_000
_GPU_HOUR_NS: Final = Decimal(3_600_000_000_000)
_KWH_UJ: Final = Decimal(3_600_000_000_000)
_MILLION: Final = Decimal(1_000_000)
_RATIO: Final = Decimal("1e-12")
_PRICE: Final = Decimal("1e-12")
_SPEND_BY: Final = ("hour", "tenant", "workflow", "route", "model", "backend", "zone")
_GPU_BY: Final = ("hour", "backend", "replica", "use", "tenant", "workflow", "route", "model")
_UNCHANGED: Final = Rerated((), Decimal(0), 0)
_uses: Final[Mapping[str, str]] = {
    "foreign": "traffic that did not come through Weir",
    "waiting": "work not yet explained by the engine's counters",
    "idle": "nothing: the GPUs were idle",
    "unobserved": "time in which nobody watched",
}


@dataclass(frozen=True, slots=True)
class Payer:
    """Who keeps these books: the billing account of every row, and the owner of the GPUs."""

    account: str = "weir"
    owner: str = "Self-hosted"


@dataclass(frozen=True, slots=True)
class Part:
    """What one use took of an hour of a replica: money as it stands now and as it was booked, and how much."""

    by: tuple[str, ...]
    usd: Decimal
    booked: Decimal
    used: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is shared out."""

    name: str
    service: str
    unit: str
    resource: str  # behind the replica's name, so that each charge has a resource of its own


_GPU: Final = _Kind("GPU time", "Self-hosted inference", "GPU-Hours", "")
_POWER: Final = _Kind("Electricity", "Self-hosted electricity", "kWh", " electricity")


def rows(store: Store, start: int, end: int, payer: Payer) -> Iterator[Row]:
    """The rows of [start, end) (UTC nanoseconds, whole hours), by hour. Raises StoreUnavailable, StoreUnfit.

    What the ledger has no price for is not in any cost: `x_Unpriced` counts the attempts or GPU bookings of the
    row that it is missing for.
    """
    ours = {time.by[0] for time in store.sums(GPU_TIME, ("backend",), start, end)}
    for day in range(start - start % _DAY_NS, end, _DAY_NS):  # so that a year needs no more memory than a day
        span = (max(start, day), min(end, day + _DAY_NS))
        again = _rerated(store, "attempt", _SPEND_BY, span)
        for spend in store.sums(SPENT, _SPEND_BY, *span):
            if spend.by[5] not in ours and not spend.gpu_ns and _used(spend):  # theirs are provisional
                yield _token_row(spend, again.get(spend.by, _UNCHANGED), payer)
        again = _rerated(store, "gpu", _GPU_BY, span)
        times = [
            _gpu_part(time, again.get(time.by, _UNCHANGED)) for time in store.sums(GPU_TIME, _GPU_BY, *span)
        ]
        yield from _shared(times, _GPU, payer)
        power = [_power_part(energy) for energy in store.sums(ENERGY, _GPU_BY, *span)]
        yield from _shared([part for part in power if part.usd or part.unpriced], _POWER, payer)


def _rerated(
    store: Store, of: str, by: Sequence[str], span: tuple[int, int]
) -> Mapping[tuple[str, ...], Rerated]:
    """What re-ratings of those records add, by their dimensions."""
    found = store.sums(RERATED, ("of", *by), *span)
    return {each.by[1:]: each for each in found if each.by[0] == of}


def _used(spend: Spend) -> bool:
    """Whether there is anything to report: a call that was refused cost nothing and used nothing."""
    return bool(spend.usd or spend.unpriced or _tokens(spend))


def _tokens(spend: Spend) -> int:
    return spend.input_tokens + spend.cached_tokens + spend.output_tokens


def _token_row(spend: Spend, again: Rerated, payer: Payer) -> Row:
    hour, tenant, workflow, route, model, backend, zone = spend.by
    tokens, unpriced = Decimal(_tokens(spend)), spend.unpriced - again.priced
    return {
        **_common(hour, spend.usd + again.usd, payer),
        "ChargeDescription": f"{spend.attempts} calls of {model} at {backend}"
        + (f", {unpriced} of them without a known price" if unpriced else ""),
        "ConsumedQuantity": tokens,
        "ConsumedUnit": "Tokens",
        "HostProviderName": zone or backend,
        "InvoiceIssuerName": backend,
        "PricingQuantity": tokens / _MILLION,
        "PricingUnit": "1000000 Tokens",
        "ResourceId": f"{backend}/{model}",
        "ResourceName": model,
        "ResourceType": "Model",
        "ServiceName": f"{backend} model API",
        "ServiceProviderName": backend,
        **_sku(f"{backend}/{model}", "Token Usage", spend.usd + again.usd, tokens / _MILLION, unpriced),
        **_sub_account(tenant),
        "Tags": _json(tenant=tenant, workflow=workflow, route=route, model=model, zone=zone),
        "x_BookedCost": spend.usd,
        "x_Calls": Decimal(spend.attempts),
        "x_InputTokens": Decimal(spend.input_tokens),
        "x_CachedTokens": Decimal(spend.cached_tokens),
        "x_OutputTokens": Decimal(spend.output_tokens),
        "x_Unpriced": Decimal(unpriced),
    }


def _gpu_part(time: GpuTime, again: Rerated) -> Part:
    hours = Decimal(time.gpu_ns) / _GPU_HOUR_NS
    return Part(time.by, time.usd + again.usd, time.usd, hours, time.unpriced - again.priced)


def _power_part(energy: EnergySum) -> Part:
    """Electricity that is paid for beside the GPU's rate; where it is in the rate, it costs nothing here."""
    return Part(energy.by, energy.usd, energy.usd, Decimal(energy.energy_uj) / _KWH_UJ, 0)


def _shared(parts: Iterable[Part], kind: _Kind, payer: Payer) -> Iterator[Row]:
    """Charges, each an hour of one replica, in their parts."""
    for _, charge in groupby(parts, key=lambda part: part.by[:3]):
        held = list(charge)
        for part, ratio in zip(held, ratios(held), strict=True):
            yield _shared_row(part, ratio, kind, payer)


def ratios(charge: Sequence[Part]) -> list[Decimal | None]:
    """Each part's share of the charge, to 12 digits and summing to exactly 1: of its money where all of it is
    known, else of what was used. None where there is nothing to share out."""
    priced = not any(part.unpriced for part in charge)
    money = [part.usd for part in charge]
    shared = money if priced and sum(money) > 0 else [part.used for part in charge]
    whole = sum(shared, Decimal(0))
    if not whole:
        return [None] * len(charge)
    shares = [(part / whole).quantize(_RATIO) for part in shared]
    largest = max(range(len(shares)), key=lambda at: shares[at])
    shares[largest] += 1 - sum(shares)
    return list(shares)


def _shared_row(part: Part, ratio: Decimal | None, kind: _Kind, payer: Payer) -> Row:
    hour, backend, replica, use, tenant, workflow, route, model = part.by
    ends = ", ".join(name for name in (tenant, workflow, route, model) if name)
    purpose = f"requests of {ends}" if use == "request" else _uses[use]
    details = None
    if ratio is not None:
        details = (
            f'{{"Elements":[{{"AllocatedRatio":{plain_decimal(ratio)},"UsageUnit":"{kind.unit}",'
            f'"UsageQuantity":{plain_decimal(part.used)}}}]}}'
        )
    tags = _json(use=use, tenant=tenant, workflow=workflow, route=route, model=model)
    return {
        **_common(hour, part.usd, payer),
        "AllocatedMethodDetails": details,
        "AllocatedMethodId": METHOD,
        "AllocatedResourceId": "/".join((tenant, workflow, route, model)) if use == "request" else use,
        "AllocatedResourceName": ends if use == "request" else use,
        "AllocatedTags": tags,
        "ChargeDescription": f"{kind.name} of {backend} that went on {purpose}"
        + (f"; {part.unpriced} bookings without a known rate" if part.unpriced else ""),
        "ConsumedQuantity": part.used,
        "ConsumedUnit": kind.unit,
        "HostProviderName": payer.owner,
        "InvoiceIssuerName": payer.owner,
        "PricingQuantity": part.used,
        "PricingUnit": kind.unit,
        "ResourceId": f"{backend} {replica}{kind.resource}",
        "ResourceName": backend,
        "ResourceType": "GPU",
        "ServiceName": kind.service,
        "ServiceProviderName": payer.owner,
        **_sku(f"{backend}/{kind.name}", kind.name, part.usd, part.used, part.unpriced),
        **_sub_account(tenant),
        "Tags": tags,
        "x_BookedCost": part.booked,
        "x_Unpriced": Decimal(part.unpriced),
    }


def _common(hour: str, usd: Decimal, payer: Payer) -> dict[str, Value]:
    """What every row says alike, or by its hour and cost alone."""
    since = datetime.fromisoformat(hour)
    month = since.replace(day=1, hour=0)
    row: dict[str, Value] = dict.fromkeys(COLUMNS)
    row |= {
        "BilledCost": Decimal(0),
        "BillingAccountId": payer.account,
        "BillingAccountName": payer.account,
        "BillingAccountType": "Gateway",
        "BillingCurrency": "USD",
        "BillingPeriodStart": month,
        "BillingPeriodEnd": (month + timedelta(days=32)).replace(day=1),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": since,
        "ChargePeriodEnd": since + _HOUR,
        "ContractedCost": usd,
        "EffectiveCost": usd,
        "ListCost": usd,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
    }
    return row


def _sku(name: str, meter: str, usd: Decimal, quantity: Decimal, unpriced: int) -> dict[str, Value]:
    """What was bought, and what a pricing unit of it came to; where that is not known, there is no price."""
    if unpriced or not quantity:
        return {"SkuId": name, "SkuMeter": meter}
    price = (usd / quantity).quantize(_PRICE)
    return {
        "SkuId": name,
        "SkuMeter": meter,
        "SkuPriceId": name,
        "SkuPriceDetails": _json(x_Blend="all that the row holds"),
        "PricingCategory": "Standard",
        "ListUnitPrice": price,
        "ContractedUnitPrice": price,
    }


def _sub_account(tenant: str) -> dict[str, Value]:
    """The tenant; time that no tenant used has none."""
    name = tenant or None
    return {"SubAccountId": name, "SubAccountName": name, "SubAccountType": "Tenant" if name else None}


def _json(**tags: str) -> str:
    """The tags that say something, as a JSON object."""
    return orjson.dumps({name: value for name, value in tags.items() if value}).decode()


def text(row: Row) -> list[str]:
    """A row as CSV has it: null is empty, numbers are plain digits, times ISO 8601 in UTC."""
    return ["" if row[name] is None else _text(row[name]) for name in COLUMNS]


def _text(value: Value) -> str:
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def columns(held: Iterable[Row]) -> dict[str, list[Value]]:
    """Rows turned into columns, as Parquet has them."""
    found = list(held)
    return {name: [row[name] for row in found] for name in COLUMNS}
