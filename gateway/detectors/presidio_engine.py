"""Presidio's analyzer, loaded and asked in a process of its own: what runs there, perhaps by another interpreter.

Without a model for a language its pipeline is blank: it cuts text into words, which is all that Presidio's patterns,
check digits and words of context need. Nothing is downloaded: a model is one that is installed.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.detectors.forks import Answer, Unready

_WARM: Final = "Jane Doe, 1 Main St, jane@example.org, +1 415 555 0132, card 4539148803436467, 2024-05-01."


def load(settings: Mapping[str, Any]) -> Answer:
    """`settings`: `languages` (ISO 639-1), `models` (a spaCy model by language), `score` (0..1, what counts as found).

    A question is a text in UTF-8, an answer `[[type, start, end], …]` in code points. Raises Unready.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # forks and threads do not go together
    analyze = _analyzer(settings)
    found = analyze(_WARM)
    if not found:
        raise Unready(
            "presidio-analyzer finds nothing, not even a card number: is it the one Weir was tried with?"
        )

    def answer(question: bytearray) -> bytes:
        return json.dumps(analyze(question.decode())).encode()

    return answer


def _analyzer(settings: Mapping[str, Any]) -> Callable[[str], list[tuple[str, int, int]]]:
    try:
        import spacy  # noqa: PLC0415  # an extra, which need not be there
        import tldextract  # noqa: PLC0415  # as above; Presidio's own
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry  # noqa: PLC0415  # as above
        from presidio_analyzer.nlp_engine import SpacyNlpEngine  # noqa: PLC0415  # as above
    except ImportError as error:
        raise Unready(
            f"Presidio cannot be loaded ({error.name} is missing): pip install 'weir-gateway[presidio]', or name the"
            " interpreter that has it (`python`)"
        ) from None
    # The list of top-level domains that came with it: asked for, it would fetch today's.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    languages, models = settings["languages"], settings["models"]

    nlp = SpacyNlpEngine([{"lang_code": each, "model_name": models.get(each, "blank")} for each in languages])
    nlp.nlp = {each: _pipeline(spacy, each, models.get(each)) for each in languages}
    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages, nlp_engine=nlp)
    engine = AnalyzerEngine(
        registry=registry,
        nlp_engine=nlp,
        supported_languages=languages,
        default_score_threshold=settings["score"],
    )

    def analyze(text: str) -> list[tuple[str, int, int]]:
        found = [each for language in languages for each in engine.analyze(text, language)]
        return sorted({(each.entity_type, each.start, each.end) for each in found})

    return analyze


def _pipeline(spacy: Any, language: str, model: str | None) -> Any:
    """What cuts a language's text into words, and names persons and places where it is a trained model."""
    if model is not None:
        try:
            return spacy.load(model)
        except (OSError, ImportError):
            raise Unready(f"there is no spaCy model `{model}`: install it beside presidio-analyzer") from None
    try:
        blank = spacy.blank(language)
    except (OSError, ImportError):
        raise Unready(f"spaCy knows no language `{language}`; languages are named like `en`") from None

    def words(document: Any) -> Any:
        for token in document:  # the words of context are looked for by their stems
            token.lemma_ = token.lower_
        return document

    spacy.Language.component("weir_words", func=words)
    blank.add_pipe("weir_words")
    return blank
