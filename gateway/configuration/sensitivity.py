"""What may be said of sensitivity: levels, words and expressions of the deployment's own, further detectors."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from gateway.configuration.backends import base_url
from gateway.configuration.language import SEVERAL, LevelName, Name, Strict, known
from gateway.configuration.outcomes import Duration
from gateway.configuration.settings import DetectorSettings, PresidioSettings
from routers.sensitivity.taxonomy import CATEGORIES, TYPES

APART: Final = (
    "languages",
    "spacy_models",
    "score",
    "python",
)  # what may be said of Presidio in a process only
LevelKey = Annotated[str, AfterValidator(known("type or category", {*TYPES, *CATEGORIES}))]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]


def _address(value: str) -> str:
    base_url(value)
    return value


class ConversationTerms(Strict):
    """For how long what was found in a conversation holds for its later turns, and for how many conversations."""

    keep: Duration = Field(86_400.0, gt=0, description="Since its last turn.", examples=["24h"])
    most: int = Field(
        10_000,
        ge=1,
        description="Sensitive conversations of each tenant; of more, the oldest are forgotten.",
        examples=[10_000],
    )


class DetectorEntry(Strict):
    """A further detector. Where it fails, is late or may not have the text, the label is restricted."""

    name: Name = Field(description="Its name, in logs and labels.", examples=["names"])
    kind: Literal["http", "presidio"] = Field(
        "http",
        description="Weir's own wire, or Presidio: its analyzer over HTTP or, without a `url`, in a process of Weir's"
        " own (pip install 'weir-gateway[presidio]').",
        examples=["presidio"],
    )
    url: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="Where it is asked.", examples=["http://10.0.0.9:3000/analyze"]
    )
    zone: str | None = Field(
        None,
        description="The zone it runs in: it is sent what boundaries let go there. Left out: the `site`.",
        examples=["datacenter"],
    )
    deadline: Duration | None = Field(
        None,
        gt=0,
        description="For each request; 200ms over HTTP, 2s for Presidio in a process (some 10 ms a kilobyte).",
        examples=["200ms"],
    )
    languages: Annotated[list[LanguageCode], SEVERAL] | None = Field(
        None,
        description="Presidio in a process: the languages it looks in; [en] if left out.",
        examples=[["en", "de"]],
    )
    spacy_models: dict[LanguageCode, ModelName] | None = Field(
        None,
        description="Presidio in a process: an installed spaCy model for a language, which names persons and places."
        " Without one the patterns and their words of context do their work alone.",
        examples=[{"en": "en_core_web_lg"}],
    )
    score: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Presidio in a process: how sure it must be; 0.4 if left out, since less is what only"
        " looks like a number of that kind.",
        examples=[0.4],
    )
    python: str | None = Field(
        None,
        description="Presidio in a process: the interpreter that has presidio-analyzer; Weir's own if left out.",
        examples=["/opt/presidio/bin/python"],
    )

    @property
    def apart(self) -> bool:
        """Whether it runs in a process of Weir's own."""
        return self.kind == "presidio" and self.url is None

    def settings(self, site: str | None) -> DetectorSettings:
        """What the other rooms read of it; `site`: the zone this gateway stands in."""
        chosen = {name: value for name in APART if (value := getattr(self, name)) is not None}
        if "languages" in chosen:
            chosen["languages"] = tuple(chosen["languages"])
        return DetectorSettings(
            self.name,
            self.kind,
            self.url,
            self.zone or site or "",
            self.deadline or (2.0 if self.apart else 0.2),
            PresidioSettings(**chosen),
        )


class SensitivityTerms(Strict):
    """How findings become a label."""

    unlabelled: LevelName = Field(
        "internal", description="The level where nothing was found.", examples=["internal"]
    )
    unscanned: dict[str, LevelName] = Field(
        {"default": "restricted"},
        description="The level of content that cannot be read, by kind (image, audio, file …) and `default`."
        " A kind that is named here with a level below confidential is taken to be harmless by boundaries on"
        " categories; any other may hold all of them.",
        examples=[{"default": "restricted", "image": "confidential"}],
    )
    levels: dict[LevelKey, LevelName] = Field(
        {},
        description="Levels of types or categories other than the defaults; a type wins over its category.",
        examples=[{"IP_ADDRESS": "internal"}],
    )
    terms: list[str] = Field(
        [], description="Words of yours that are confidential.", examples=[["Project Heron"]]
    )
    terms_files: list[str] = Field(
        [], description="JSON lists of such words, relative to this YAML file.", examples=[["terms.json"]]
    )
    patterns: dict[Name, str] = Field(
        {},
        description="Regular expressions of yours, by a name that labels show; what they match (of up to 512"
        " characters) is confidential. Case counts, classes are ASCII's; nothing that looks around or back.",
        examples=[{"case-number": "CASE-[0-9]{5}"}],
    )
    detectors: list[DetectorEntry] = Field(
        [],
        description="Further detectors; what they find can only raise a label.",
        examples=[[{"name": "names", "url": "http://10.0.0.9:3000/scan", "zone": "datacenter"}]],
    )
    conversations: ConversationTerms = Field(
        ConversationTerms(),
        description="A conversation (`x-weir-conversation`) keeps the label it once had.",
        examples=[{"keep": "24h"}],
    )
