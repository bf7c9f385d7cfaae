"""The responses that a vLLM keeps in its own memory, where it was started so (VLLM_ENABLE_RESPONSES_API_STORE)."""

from collections.abc import Mapping
from typing import Any

from gateway.sandbox.vllm_wire import Refused

Turns = tuple[tuple[str, str], ...]


class StoredResponses:
    """One engine's, by id."""

    def __init__(self, *, keeps: bool) -> None:
        self._keeps = keeps
        self._turns: dict[str, Turns] = {}

    def before(self, body: Mapping[str, Any]) -> Turns:
        """What was said before, as the body names it. Raises Refused where this engine does not have it."""
        name = body.get("previous_response_id")
        if not name:
            return ()
        if name not in self._turns:
            raise Refused(
                404, f"Response with id '{name}' not found.", "invalid_request_error", "response_id"
            )
        return self._turns[name]

    def keep(self, body: Mapping[str, Any], name: str, turns: Turns) -> None:
        """Keep a response, unless the body or the engine's start says otherwise."""
        if self._keeps and body.get("store") is not False:
            self._turns[name] = turns
