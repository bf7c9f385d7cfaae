"""`weir classify`: label and score what comes on standard input, without a gateway running."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from adapters.visible import visible
from gateway.app import build
from gateway.cli.router_weights import scorer_of
from gateway.configuration.settings import SensitivitySettings
from gateway.pipeline.reading import conversation_of, segments_of
from routers.sensitivity.taxonomy import published


@click.command()
@click.option(
    "--terms",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON list of this deployment's confidential terms.",
)
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Weights to score with.  [default: those that ship]",
)
@click.option("--reasons", is_flag=True, help="Add the score's main reasons and the rules that hit.")
def classify(terms: Path | None, weights: Path | None, reasons: bool) -> None:
    """Label and score JSON lines on standard input.

    Each line is {"id": …, and one of "text", "prompt" (a string) or "request" (an OpenAI chat body)}; each answer
    is {"id", "score", "kind", "language", "labels", "level", "must_stay"}: the chance that the strong model is needed,
    what kind of task it is and in which language, the types of sensitive data found (a national number of no known kind
    goes by its category, GOV_ID), the level, and whether the defaults would keep it inside. What cannot be read
    (pictures, file ids) is named under "unscanned": a policy gives it a level of its own. No value that was found is
    ever printed. A line that cannot be read is answered with {"id", "error"}, and the exit status is then 1.

    \b
    Example:
      echo '{"id": 1, "text": "My SSN is 536-22-8741"}' | weir classify
    """
    words = _terms(terms) if terms is not None else ()
    classifier = build.classifier(SensitivitySettings(terms=words), os.environ)
    scorer = scorer_of(weights)
    failed = False
    for row, body in _rows(sys.stdin):
        if isinstance(body, str):
            click.echo(json.dumps({"id": row.get("id"), "error": body}))
            failed = True
            continue
        seen = visible(body, "chat")
        label = classifier.label(segments_of(seen))  # of what can be read; the rest is named beside it
        conversation = conversation_of(seen)
        score = scorer.score(conversation)
        answer: dict[str, Any] = {
            "id": row.get("id"),
            "score": round(score.value, 6),
            "kind": score.kind,
            "language": score.language,
            "labels": sorted({published(type_) for type_ in label.types}),
            "level": str(label.level),
            "must_stay": label.must_stay,
        }
        if seen.opaque:
            answer["unscanned"] = list(seen.opaque)
        if reasons:
            answer["reasons"] = dict(scorer.explain(conversation))
            answer["rules"] = list(label.rules)
        click.echo(json.dumps(answer))
    if failed:
        sys.exit(1)


def body_of(row: Mapping[str, Any]) -> dict[str, Any] | str:
    """The chat body a row stands for, or what is wrong with the row."""
    text = row.get("text", row.get("prompt"))
    if isinstance(text, str):
        return {"model": "auto", "messages": [{"role": "user", "content": text}]}
    request = row.get("request")
    if isinstance(request, dict):
        return request
    return 'a row needs "text" or "prompt" (a string), or "request" (a chat body)'


def _rows(lines: TextIO) -> Iterator[tuple[Mapping[str, Any], dict[str, Any] | str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            yield {}, f"line {number} is not JSON"
            continue
        if not isinstance(row, dict):
            yield {}, f"line {number} is not a JSON object"
        else:
            yield row, body_of(row)


def _terms(path: Path) -> tuple[str, ...]:
    """The confidential terms of a file."""
    try:
        words = json.loads(path.read_text())
    except ValueError as error:
        raise click.BadParameter(f"{path} is not JSON: {error}", param_hint="--terms") from None
    if isinstance(words, dict):  # a dictionary by name: its lists are what counts
        words = [word for value in words.values() if isinstance(value, list) for word in value]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise click.BadParameter(f"{path} must hold a JSON list of strings", param_hint="--terms")
    if not words:
        raise click.BadParameter(
            f"{path} holds no term: a JSON list of strings is wanted", param_hint="--terms"
        )
    return tuple(words)
