"""What a token costs, on which day, and who says so.

Provider prices come from genai-prices (its data travels with the package, dated) under the company's own
price file, which wins. A price is looked up once per model and day; from then on a charge is a few
multiplications. A price nobody knows is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Final

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from adapters.chat import TokenUsage
from gateway.metering.charges import Charge, unknown
from gateway.metering.price_file import NO_OVERRIDES, PriceEntry, PriceFile, TokenClass

_MILLION: Final = Decimal(1_000_000)
_DAY_NS: Final = 86_400_000_000_000
_STANDARD: Final = frozenset({"", "auto", "default", "standard", "standard_only"})
# A class without a price of its own costs what it is part of.
_keys: Final[Mapping[TokenClass, tuple[str, ...]]] = {  # in genai-prices
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "audio_in": ("input_audio_mtok", "input_mtok"),
    "audio_out": ("output_audio_mtok", "output_mtok"),
}
_parents: Final[Mapping[TokenClass, TokenClass]] = {
    "cache_read": "input",
    "cache_write": "input",
    "audio_in": "input",
    "reasoning": "output",
    "audio_out": "output",
}


@dataclass(frozen=True, slots=True)
class TokenRates:
    """USD per token, by class; a class that is missing has no known price. They hold for requests of more
    than `above` prompt tokens, for all of their tokens."""

    above: int
    usd: Mapping[TokenClass, Decimal]


@dataclass(frozen=True, slots=True)
class Rates:
    """The price of one model on one day. `until` (UTC nanoseconds) says when to look it up again."""

    model: str  # provider/model
    source: str
    day: date
    until: int
    steps: tuple[TokenRates, ...]  # by `above`, ascending; the first is 0
    usd_per_request: Decimal = Decimal(0)

    def charge(self, usage: TokenUsage) -> Charge:
        """What those tokens cost; unknown where the tokens are, or where a class used has no price."""
        if usage.source == "unknown":
            return unknown(f"{self.source}; tokens unknown", self.day)
        rates = self._rates_for(usage).usd
        total = self.usd_per_request
        for token_class in _keys:
            tokens: int = getattr(usage, token_class)
            if tokens:
                rate = rates.get(token_class)
                if rate is None:
                    return unknown(f"{self.source}; no price for {token_class} tokens", self.day)
                total += tokens * rate
        return Charge(total, {"tokens": total}, self.source, self.day)

    def _rates_for(self, usage: TokenUsage) -> TokenRates:
        if len(self.steps) == 1:
            return self.steps[0]
        prompt = usage.prompt
        return next(step for step in reversed(self.steps) if prompt > step.above or not step.above)


class PriceBook:
    """Every price Weir knows. Built at load; looked at once per model, tier and day."""

    def __init__(self, overrides: PriceFile = NO_OVERRIDES, snapshot: DataSnapshot | None = None) -> None:
        self._overrides = overrides
        self._list = get_snapshot() if snapshot is None else snapshot
        self._list_name = f"genai-prices {version('genai-prices')}"
        self._held: dict[tuple[str, str, str], tuple[int, Rates | None]] = {}

    def provider_at(self, base_url: str) -> str | None:
        """The id of the provider that answers at that address, as price lists name it (`openai`, `anthropic`,
        `groq`, …); None for an address nobody lists, which has no list price."""
        try:
            provider: str = self._list.find_provider(None, None, base_url).id
        except LookupError:
            return None
        return provider

    def rates(self, provider: str, model: str, at: int, tier: str = "") -> Rates | None:
        """The price of a provider's model (in its own words) at a time (UTC nanoseconds), in a service tier
        (`batch`, `flex`, `priority`, …; empty: standard). None: unknown."""
        key = (provider, model, "" if tier in _STANDARD else tier)
        held = self._held.get(key)
        if held is None or at >= held[0] or at < held[0] - _DAY_NS:
            held = self._held[key] = self._look_up(*key, at)
        return held[1]

    def charge(self, provider: str, model: str, usage: TokenUsage, at: int, tier: str = "") -> Charge:
        """What an attempt's tokens cost; an unknown charge says which price is missing."""
        rates = self.rates(provider, model, at, tier)
        if rates is None:
            return unknown(f"no price for {provider}/{model}{f' ({tier})' if tier else ''}")
        return rates.charge(usage)

    def _look_up(self, provider: str, model: str, tier: str, at: int) -> tuple[int, Rates | None]:
        moment = datetime.fromtimestamp(at // 1_000_000_000, UTC)
        entry = self._overrides.entry(f"{provider}/{model}", tier, moment.date())
        midnight = (at // _DAY_NS + 1) * _DAY_NS
        if entry is not None:
            return midnight, _own_rates(entry, f"{provider}/{model}", moment.date(), midnight)
        try:
            owner, listed = self._list.find_provider_model(model, None, provider, None)
        except LookupError:
            return midnight, None
        until = min(midnight, _next_change(listed, moment))
        own = any(listed is candidate for candidate in owner.models)  # variants are the provider's own
        return until, self._list_rates(listed, own, f"{provider}/{model}", tier, moment, until)

    def _list_rates(
        self, listed: ModelInfo, own: bool, model: str, tier: str, moment: datetime, until: int
    ) -> Rates | None:
        context = None
        if tier:
            context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
            if not own or not _has_variant(listed, context, moment):
                return None
        prices = listed.get_prices(moment, context)
        discount = self._overrides.discount(model, moment.date())
        off = 1 - discount.percent / 100 if discount else Decimal(1)
        since = _since(listed, moment)
        source = f"{self._list_name} {model.partition('/')[0]}/{listed.id}"
        source += f" {tier}" if tier else ""
        source += f" from {since}" if since else ""
        source += f", less {discount.percent}% from {discount.from_}" if discount else ""
        steps = tuple(_list_step(prices, above, off) for above in _list_steps(prices))
        per_request = _at(prices.requests_kcount, 0) or Decimal(0)
        return Rates(model, source, moment.date(), until, steps, per_request / 1000 * off)


def _own_rates(entry: PriceEntry, model: str, day: date, until: int) -> Rates:
    """The rates of a price file's entry."""
    source = f"price file {entry.model}{f' {entry.tier}' if entry.tier else ''} from {entry.from_}"
    base = entry.usd_per_million
    above = sorted(entry.above, key=lambda step: step.prompt_tokens)
    steps = (
        _own_step(0, base, {}),
        *(_own_step(step.prompt_tokens, step.usd_per_million, base) for step in above),
    )
    return Rates(model, source, day, until, steps, entry.usd_per_request)


def _own_step(
    above: int, prices: Mapping[TokenClass, Decimal], base: Mapping[TokenClass, Decimal]
) -> TokenRates:
    named = {**base, **prices}
    full = {name: named.get(name, named.get(_parents.get(name, name))) for name in _keys}
    return TokenRates(above, {name: usd / _MILLION for name, usd in full.items() if usd is not None})


def _list_steps(prices: ModelPrice) -> list[int]:
    """The numbers of prompt tokens above which some price of a list changes."""
    starts = {0}
    for keys in _keys.values():
        for key in keys:
            price = getattr(prices, key)
            if isinstance(price, TieredPrices):
                starts.update(tier.start for tier in price.tiers)
    return sorted(starts)


def _list_step(prices: ModelPrice, above: int, off: Decimal) -> TokenRates:
    usd: dict[TokenClass, Decimal] = {}
    for name, keys in _keys.items():
        price = next((found for key in keys if (found := getattr(prices, key)) is not None), None)
        per_million = _at(price, above)
        if per_million is not None:
            usd[name] = per_million * off / _MILLION
    return TokenRates(above, usd)


def _at(price: Decimal | TieredPrices | None, above: int) -> Decimal | None:
    """A list's price for requests of more than that many prompt tokens (0: of any)."""
    if not isinstance(price, TieredPrices):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= above), price.base)


def _has_variant(listed: ModelInfo, context: Mapping[str, str], moment: datetime) -> bool:
    """Whether the list knows a price of its own for that tier at that time."""

    def holds(variant: PriceVariant) -> bool:
        active = variant.constraint is None or variant.constraint.active(moment)
        return active and all(context.get(key) == value for key, value in variant.when.items())

    return any(holds(variant) for variant in listed.price_variants or ())


def _dated(listed: ModelInfo) -> list[ConditionalPrice]:
    return [] if isinstance(listed.prices, ModelPrice) else listed.prices


def _since(listed: ModelInfo, moment: datetime) -> date | None:
    """The day from which the list's price holds, where it says so."""
    for price in reversed(_dated(listed)):
        constraint = price.constraint
        if constraint is None or constraint.active(moment):
            return constraint.start_date if isinstance(constraint, StartDateConstraint) else None
    return None


def _next_change(listed: ModelInfo, moment: datetime) -> int:
    """When a price that depends on the time of day changes next (UTC nanoseconds); else the next midnight."""
    midnight = datetime.combine(moment.date(), time.min, UTC) + timedelta(days=1)
    changes = [midnight]
    constraints = (price.constraint for price in (*_dated(listed), *(listed.price_variants or ())))
    for constraint in constraints:
        if isinstance(constraint, TimeOfDateConstraint):
            for edge in (constraint.start_time, constraint.end_time):
                aware = edge if edge.tzinfo else edge.replace(tzinfo=UTC)
                change = datetime.combine(moment.date(), aware).astimezone(UTC)
                changes.extend(
                    later for days in (-1, 0, 1) if (later := change + timedelta(days=days)) > moment
                )
    return int(min(changes).timestamp()) * 1_000_000_000
