"""The condition language and the terms of boundaries, as they stand in YAML."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gateway.configuration.units import share
from routers.policy import conditions
from routers.policy.permits import Data, Only
from routers.sensitivity.label import Level
from routers.sensitivity.taxonomy import CATEGORIES, TYPES
from routers.signals import KINDS, MODALITIES

LEVELS: Final = tuple(str(level) for level in Level)


class Strict(BaseModel):
    """What all parts of a configuration have in common: immutable, and a key they do not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def known(noun: str, allowed: Iterable[str]) -> Callable[[str], str]:
    """A validator for a word out of a closed list; its error carries the list, for a suggestion."""
    words = tuple(allowed)

    def check(word: str) -> str:
        if word not in words:
            raise PydanticCustomError(
                "unknown_name", "{noun} unknown", {"noun": noun, "allowed": ", ".join(sorted(words))}
            )
        return word

    return check


def _words(allowed: Iterable[str]) -> Any:
    return Field(json_schema_extra={"enum": list(allowed)})


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _bounds_or_names(value: object) -> str:
    return "bounds" if isinstance(value, dict) else "names"


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", max_length=128)]
LevelName = Annotated[str, AfterValidator(known("level", LEVELS)), _words(LEVELS)]
CategoryName = Annotated[str, AfterValidator(known("category", CATEGORIES)), _words(sorted(CATEGORIES))]
TypeName = Annotated[str, AfterValidator(known("type", TYPES)), _words(sorted(TYPES))]
KindName = Annotated[str, AfterValidator(known("kind", KINDS)), _words(KINDS)]
ModalityName = Annotated[str, AfterValidator(known("modality", MODALITIES)), _words(MODALITIES)]
LanguageName = Annotated[str, Field(pattern=r"^([a-z]{2}|und)$")]

SEVERAL: Final = Field(min_length=1)
Levels = Annotated[
    list[LevelName], BeforeValidator(_listed, json_schema_input_type=LevelName | list[LevelName]), SEVERAL
]
Categories = Annotated[
    list[CategoryName],
    BeforeValidator(_listed, json_schema_input_type=CategoryName | list[CategoryName]),
    SEVERAL,
]
Types = Annotated[
    list[TypeName], BeforeValidator(_listed, json_schema_input_type=TypeName | list[TypeName]), SEVERAL
]
Kinds = Annotated[
    list[KindName], BeforeValidator(_listed, json_schema_input_type=KindName | list[KindName]), SEVERAL
]
Modalities = Annotated[
    list[ModalityName],
    BeforeValidator(_listed, json_schema_input_type=ModalityName | list[ModalityName]),
    SEVERAL,
]
Languages = Annotated[
    list[LanguageName],
    BeforeValidator(_listed, json_schema_input_type=LanguageName | list[LanguageName]),
    SEVERAL,
]
Names = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str]), SEVERAL]


class _Bounded(Strict):
    """A range, both ends included."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        low, high = getattr(self, "at_least", None), getattr(self, "at_most", None)
        if low is None and high is None:
            raise ValueError("a range needs `at_least`, `at_most` or both")
        return self


def _percentage(value: object) -> object:
    return share(str(value))


Percentage = Annotated[
    float,
    BeforeValidator(_percentage, json_schema_input_type=Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")]),
]


class Difficulty(Strict):
    """How hard a task seems: a range within 0 and 1, both ends included, or the hardest share of recent ones."""

    at_least: float | None = Field(None, ge=0, le=1, description="This much or more.", examples=[0.7])
    at_most: float | None = Field(None, ge=0, le=1, description="This much or less.", examples=[0.3])
    hardest: Percentage | None = Field(
        None,
        description="Among the hardest of the last 1,000 requests that this route was asked about: the threshold"
        " follows your traffic, so that about this share of it is hard.",
        examples=["30%"],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None and self.hardest is None:
            raise ValueError("write `at_least`, `at_most` or `hardest`, like {hardest: 30%}")
        return self

    def conditions(self) -> Iterable[conditions.Condition]:
        """The same as plain data."""
        if self.at_least is not None or self.at_most is not None:
            yield conditions.Within("complexity", self.at_least, self.at_most)
        if self.hardest is not None:
            yield conditions.Hardest(self.hardest)


class Spent(_Bounded):
    """A range of a budget's used share: 1 is all of it; both ends included."""

    at_least: float | None = Field(None, ge=0, description="This share or more.", examples=[0.9])
    at_most: float | None = Field(None, ge=0, description="This share or less.", examples=[0.5])


class Count(_Bounded):
    """A range of whole numbers, both ends included."""

    at_least: int | None = Field(None, ge=0, description="This many or more.", examples=[32000])
    at_most: int | None = Field(None, ge=0, description="This many or fewer.", examples=[4000])


class LevelRange(_Bounded):
    """A range of levels, both ends included: public < internal < confidential < restricted."""

    at_least: LevelName | None = Field(
        None, description="This level or a higher one.", examples=["confidential"]
    )
    at_most: LevelName | None = Field(None, description="This level or a lower one.", examples=["internal"])


LevelTest = Annotated[
    Annotated[LevelRange, Tag("bounds")] | Annotated[Levels, Tag("names")], Discriminator(_bounds_or_names)
]


class When(Strict):
    """A condition on a request. All the keys it has must hold; a list means any of its entries."""

    complexity: Difficulty | None = Field(
        None, description="How hard the task seems.", examples=[{"at_least": 0.7}, {"hardest": "30%"}]
    )
    kind: Kinds | None = Field(
        None, description="What sort of task it is.", examples=["code", ["code", "maths"]]
    )
    language: Languages | None = Field(
        None, description="The text's language, ISO 639-1, or `und`.", examples=["de", ["de", "fr"]]
    )
    level: LevelTest | None = Field(
        None, description="The label's level.", examples=["public", {"at_most": "internal"}]
    )
    category: Categories | None = Field(
        None, description="Categories of sensitive data found.", examples=["HEALTH", ["GOV_ID", "FINANCIAL"]]
    )
    tenant: Names | None = Field(None, description="Who pays.", examples=["acme-eu"])
    workflow: Names | None = Field(
        None, description="The kind of action, as the application names it.", examples=["invoice-extraction"]
    )
    model: Names | None = Field(
        None, description="The name the application sent: an alias that is `routed`.", examples=["auto"]
    )
    prompt_tokens: Count | None = Field(
        None, description="The prompt's length in tokens, estimated.", examples=[{"at_most": 4000}]
    )
    modality: Modalities | None = Field(
        None, description="What the request holds besides or instead of text.", examples=["image"]
    )
    tools: bool | None = Field(None, description="Whether the request offers tools.", examples=[True])
    stream: bool | None = Field(None, description="Whether the answer is streamed.", examples=[False])
    budget_used: Spent | None = Field(
        None, description="Share of the tenant's tightest budget spent.", examples=[{"at_least": 0.9}]
    )
    all: list["When"] | None = Field(
        None, min_length=1, description="Every one of these conditions.", examples=[[{"tools": True}]]
    )
    any: list["When"] | None = Field(
        None, min_length=1, description="At least one of these conditions.", examples=[[{"kind": "code"}]]
    )
    not_: "When | None" = Field(
        None, alias="not", description="This condition does not hold.", examples=[{"language": "en"}]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("the condition is empty: leave `when` out to match every request")
        return self

    def condition(self) -> conditions.Condition:
        """The same as plain data that the policy compiles."""
        parts: list[conditions.Condition] = [*self._ranges(), *self._lists()]
        if self.tools is not None:
            parts.append(conditions.Is("tools", self.tools))
        if self.stream is not None:
            parts.append(conditions.Is("stream", self.stream))
        parts.extend(each.condition() for each in self.all or ())
        if self.any is not None:
            parts.append(conditions.AnyOf(tuple(each.condition() for each in self.any)))
        if self.not_ is not None:
            parts.append(conditions.Not(self.not_.condition()))
        return parts[0] if len(parts) == 1 else conditions.All(tuple(parts))

    def _ranges(self) -> Iterable[conditions.Condition]:
        if self.complexity is not None:
            yield from self.complexity.conditions()
        if self.prompt_tokens is not None:
            yield conditions.Within("prompt_tokens", self.prompt_tokens.at_least, self.prompt_tokens.at_most)
        if self.budget_used is not None:
            yield conditions.Within("budget_used", self.budget_used.at_least, self.budget_used.at_most)
        if isinstance(self.level, LevelRange):
            yield conditions.OneOf("level", _levels_within(self.level))
        elif self.level is not None:
            yield conditions.OneOf("level", frozenset(map(Level.named, self.level)))

    def _lists(self) -> Iterable[conditions.Condition]:
        names: tuple[conditions.Name, ...] = ("kind", "language", "tenant", "workflow", "model")
        for name in names:
            if (values := getattr(self, name)) is not None:
                yield conditions.OneOf(name, frozenset(values))
        sets: tuple[conditions.Names, ...] = ("category", "modality")
        for each in sets:
            if (values := getattr(self, each)) is not None:
                yield conditions.HasAny(each, frozenset(values))


def _levels_within(levels: LevelRange) -> frozenset[Level]:
    low = Level.named(levels.at_least) if levels.at_least else min(Level)
    high = Level.named(levels.at_most) if levels.at_most else max(Level)
    return frozenset(level for level in Level if low <= level <= high)


class DataTerms(Strict):
    """Which data a boundary speaks of. All the keys it has must hold; a list means any of its entries."""

    at_least: LevelName | None = Field(
        None, description="Requests of this level or a higher one.", examples=["confidential"]
    )
    level: Levels | None = Field(
        None,
        description="Requests of these levels, and of every level above the lowest of them: a client may"
        " raise its label, and must not escape a boundary by it.",
        examples=[["confidential", "restricted"]],
    )
    category: Categories | None = Field(
        None,
        description="Requests in which one of these categories was found. Content that could not be read"
        " may hold any of them, unless `sensitivity.unscanned` puts its kind below confidential.",
        examples=[["HEALTH"]],
    )
    type: Types | None = Field(
        None, description="Requests in which one of these types was found.", examples=[["US_SSN"]]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("`data` is empty: leave it out to mean every request")
        return self

    def data(self) -> Data:
        """The same as plain data for the boundary code."""
        lowest = [Level.named(self.at_least)] if self.at_least else []
        if self.level is not None:
            lowest.append(min(map(Level.named, self.level)))
        return Data(
            at_least=max(lowest, default=None),
            categories=None if self.category is None else frozenset(self.category),
            types=None if self.type is None else frozenset(self.type),
        )


class OutsideTerms(Strict):
    """How data may go where `only` does not let it go as it is."""

    if_: Literal["redacted"] = Field(
        alias="if",
        description="With every value replaced by a placeholder, put back in the answer: once what is left would"
        " be let go by itself. What cannot be replaced with certainty stays.",
        examples=["redacted"],
    )


class Days(Strict):
    """A number of days, at most."""

    at_most: int = Field(ge=0, description="This many days or fewer; 0: nothing is retained.", examples=[0])


class OnlyTerms(Strict):
    """What a zone must be. All the keys it has must hold; a fact nobody stated satisfies none."""

    inside: bool | None = Field(None, description="Inside the boundary, or outside.", examples=[True])
    jurisdiction: Names | None = Field(
        None, description="Under one of these jurisdictions.", examples=[["EU"], ["EU", "CH"]]
    )
    certified: Names | None = Field(
        None, description="Holds every one of these certificates.", examples=[["hipaa-baa"]]
    )
    retention_days: Days | None = Field(
        None, description="Retains data no longer than this.", examples=[{"at_most": 0}]
    )
    trains_on_data: bool | None = Field(
        None, description="Whether it trains on what it is sent.", examples=[False]
    )
    zone: Names | None = Field(None, description="One of these zones, by name.", examples=[["datacenter"]])

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("`only` asks for nothing: say what the zone must be, like {inside: true}")
        return self

    def only(self) -> Only:
        """The same as plain data for the boundary code."""
        return Only(
            zones=None if self.zone is None else frozenset(self.zone),
            inside=self.inside,
            jurisdictions=None if self.jurisdiction is None else frozenset(self.jurisdiction),
            certified=frozenset(self.certified or ()),
            retention_at_most=None if self.retention_days is None else self.retention_days.at_most,
            trains_on_data=self.trains_on_data,
        )
