"""A whole response as the stream a client asked for, where its provider answered with one JSON object."""

from collections.abc import Iterator

from adapters.chat import Json
from adapters.dialects.responses.answer import TERMINAL
from adapters.dialects.responses.events import Numbered


def retold(response: Json, *, large: bool) -> bytes:
    """All events of the stream, each piece of text told at once; those of a large one are written with others."""
    log = Numbered(large=large)
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "error": None}
    pieces = [log.event(kind, response=begun) for kind in ("response.created", "response.in_progress")]
    for index, item in enumerate(response.get("output") or ()):
        pieces.extend(_item(log, index, item))
    last = TERMINAL.get(response.get("status") or "completed", "response.completed")
    pieces.append(log.event(last, response=response))
    return log.together(pieces)


def _item(log: Numbered, index: int, item: Json) -> Iterator[bytes]:
    at = {"item_id": item.get("id"), "output_index": index}
    kind = item.get("type")
    bare = item
    if kind == "message":
        bare = {**item, "status": "in_progress", "content": []}
    elif kind == "function_call":
        bare = {**item, "status": "in_progress", "arguments": ""}
    yield log.event("response.output_item.added", output_index=index, item=bare)
    if kind == "message":
        for number, part in enumerate(item.get("content") or ()):
            yield from _part(log, {**at, "content_index": number}, part)
    elif kind == "function_call":
        given = item.get("arguments") or ""
        yield log.event("response.function_call_arguments.delta", **at, delta=given)
        yield log.event("response.function_call_arguments.done", **at, name=item.get("name"), arguments=given)
    yield log.event("response.output_item.done", output_index=index, item=item)


def _part(log: Numbered, at: Json, part: Json) -> Iterator[bytes]:
    yield log.event("response.content_part.added", **at, part=_emptied(part))
    if part.get("type") == "output_text":
        said = part.get("text") or ""
        yield log.event("response.output_text.delta", **at, delta=said, logprobs=[])
        yield log.event("response.output_text.done", **at, text=said, logprobs=[])
    elif part.get("type") == "refusal":
        said = part.get("refusal") or ""
        yield log.event("response.refusal.delta", **at, delta=said)
        yield log.event("response.refusal.done", **at, refusal=said)
    yield log.event("response.content_part.done", **at, part=part)


def _emptied(part: Json) -> Json:
    """A part before anything was said."""
    return part | {key: "" for key in ("text", "refusal") if key in part}
