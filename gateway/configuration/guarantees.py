"""What must never happen, written apart from the policy and held against every end it has."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from gateway.configuration.diagnosis import problems_of
from gateway.configuration.language import DataTerms, Names, OnlyTerms, OutsideTerms, Strict
from gateway.configuration.problems import ConfigurationErrors, Problem, nearest
from gateway.configuration.snapshot import Settings
from gateway.configuration.source import Route, read
from routers.policy.proof import Guarantee


class GuaranteeEntry(Strict):
    """One sentence: these requests end only in such zones, or never in such zones."""

    name: str = Field(min_length=1, description="The sentence.", examples=["HEALTH never leaves the EU"])
    data: DataTerms | None = Field(
        None, description="The data it speaks of; left out: all.", examples=[{"category": ["HEALTH"]}]
    )
    tenants: Names | None = Field(None, description="For these tenants only.", examples=[["acme-eu"]])
    workflows: Names | None = Field(None, description="For these workflows only.", examples=[["invoices"]])
    only: OnlyTerms | None = Field(
        None,
        description="What each zone must be; an unknown fact breaks it.",
        examples=[{"jurisdiction": "EU"}],
    )
    never: OnlyTerms | None = Field(
        None, description="What no zone may be; an unknown fact breaks it.", examples=[{"inside": False}]
    )

    outside: OutsideTerms | None = Field(
        None,
        description="What goes elsewhere so does not break it; left out: whatever goes elsewhere does.",
        examples=[{"if": "redacted"}],
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.only is None) is (self.never is None):
            raise ValueError("a guarantee has either `only` or `never`")
        return self

    def guarantee(self) -> Guarantee:
        return Guarantee(
            self.name,
            None if self.data is None else self.data.data(),
            None if self.tenants is None else frozenset(self.tenants),
            None if self.workflows is None else frozenset(self.workflows),
            None if self.only is None else self.only.only(),
            None if self.never is None else self.never.only(),
            redacted=self.outside is not None,
        )


class GuaranteesDocument(Strict):
    """A file of guarantees."""

    guarantees: list[GuaranteeEntry] = Field(min_length=1, description="The sentences.", examples=[[]])


def load_guarantees(file: Path, environ: Mapping[str, str], settings: Settings) -> tuple[Guarantee, ...]:
    """The guarantees in a file, which may name only what the configuration has: a guarantee about a tenant
    that does not exist would hold for no reason. Raises ConfigurationErrors."""
    source = read([file], environ)
    try:
        document = GuaranteesDocument.model_validate(source.values)
    except ValidationError as error:
        raise ConfigurationErrors(
            problems_of(error, source, GuaranteesDocument.model_json_schema())
        ) from None
    problems = [
        Problem(source.place(path), f"there is no {noun} `{name}`", nearest(name, allowed, noun=noun))
        for i, entry in enumerate(document.guarantees)
        for path, noun, name, allowed in _names(("guarantees", i), entry, settings)
        if name not in allowed
    ]
    if problems:
        raise ConfigurationErrors(problems)
    return tuple(entry.guarantee() for entry in document.guarantees)


def _names(
    here: Route, entry: GuaranteeEntry, settings: Settings
) -> Iterator[tuple[Route, str, str, Collection[str]]]:
    for i, tenant in enumerate(entry.tenants or ()):
        yield (*here, "tenants", i), "tenant", tenant, settings.tenants
    for key, terms in (("only", entry.only), ("never", entry.never)):
        for i, zone in enumerate((terms and terms.zone) or ()):
            yield (*here, key, "zone", i), "zone", zone, settings.zones
