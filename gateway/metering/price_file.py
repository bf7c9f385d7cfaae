"""The company's own price file: contract prices and discounts, dated; what it says wins over list prices."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.configuration.diagnosis import problems_of
from gateway.configuration.problems import ConfigurationErrors
from gateway.configuration.source import read

TokenClass = Literal["input", "cache_read", "cache_write", "output", "reasoning", "audio_in", "audio_out"]

_Usd = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class InvalidPriceFile(ValueError):  # noqa: N818  # reads as what is wrong
    """The price file cannot be used; `str()` names the file, the place in it and what is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Dated(_Strict):
    """What holds for some models from one day on until another (not included)."""

    model: str = Field(
        pattern=r"^[^/*]+/.+$"
    )  # provider/model in the provider's words; a final * covers all that begin so
    from_: date = Field(alias="from")
    until: date | None = None
    note: str = ""

    def covers(self, model: str, day: date) -> bool:
        """Whether it holds for `provider/model` on that day."""
        named = model.startswith(self.model[:-1]) if self.model.endswith("*") else model == self.model
        return named and self.from_ <= day and (self.until is None or day < self.until)


class PriceStep(_Strict):
    """Prices of requests with more prompt tokens than `prompt_tokens`: all their tokens pay them."""

    prompt_tokens: int = Field(gt=0)
    usd_per_million: dict[TokenClass, _Usd]


class PriceEntry(_Dated):
    """One price. A class that is not named costs what it is part of: `cache_read` as `input`, and so on."""

    tier: str = ""  # as `batch`, `flex`, `priority`; empty: the standard one
    usd_per_million: dict[TokenClass, _Usd]
    usd_per_request: _Usd = Decimal(0)
    above: tuple[PriceStep, ...] = ()


class Discount(_Dated):
    """So many percent off the list price; prices of this file are what they say."""

    percent: Decimal = Field(gt=0, le=100)


class PriceFile(_Strict):
    """All entries and discounts, as written."""

    prices: tuple[PriceEntry, ...] = ()
    discounts: tuple[Discount, ...] = ()

    def entry(self, model: str, tier: str, day: date) -> PriceEntry | None:
        """The price that holds: the one that began last; of several, the one written last."""
        found = [entry for entry in self.prices if entry.tier == tier and entry.covers(model, day)]
        return max(enumerate(found), key=lambda at: (at[1].from_, at[0]))[1] if found else None

    def discount(self, model: str, day: date) -> Discount | None:
        """The discount that holds, chosen as `entry` is."""
        found = [discount for discount in self.discounts if discount.covers(model, day)]
        return max(enumerate(found), key=lambda at: (at[1].from_, at[0]))[1] if found else None


NO_OVERRIDES: Final = PriceFile()


def read_price_file(path: Path) -> PriceFile:
    """The price file at `path`. Raises InvalidPriceFile."""
    try:
        source = read([path], {})
    except ConfigurationErrors as errors:
        raise InvalidPriceFile(str(errors)) from None
    try:
        return PriceFile.model_validate(source.values)
    except ValidationError as error:
        faults = problems_of(error, source, PriceFile.model_json_schema())
        raise InvalidPriceFile("\n".join(map(str, faults))) from None
