"""A Responses request, and what of it is sent to Chat and to Messages."""

import json
from typing import Any

from adapters.anthropic import Anthropic
from adapters.deviations import Deviations
from adapters.dialects import responses
from adapters.document import parse
from adapters.openai import OpenAI

CHAT_ONLY = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells it.",
    "parameters": {"type": "object"},
}
SQL = {"type": "custom", "name": "run_sql", "description": "Runs a query."}


def responses_call(**body: Any) -> Any:
    return responses.read(parse(json.dumps({"model": "m", "input": "hi", **body}).encode()))


def to_chat(**body: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(CHAT_ONLY.outgoing(responses_call(**body), "theirs").body)
    return sent


def to_messages(**body: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(Anthropic().outgoing(responses_call(**body), "claude-sonnet-4-6").body)
    return sent
