"""What the top-level fields of a request's body hold: what was said, settings, schemas, what stands elsewhere."""

from collections.abc import Mapping
from typing import Final

# Where each dialect keeps what was said, and by whom where the field itself says so.
CONVERSATIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {"messages": "user"},
    "messages": {"system": "system", "messages": "user"},
    "responses": {"instructions": "system", "input": "user"},
    "completions": {"prompt": "user", "suffix": "user"},
    "embeddings": {"input": "user", "messages": "user"},
    "rerank": {"query": "user", "documents": "user"},
    "score": dict.fromkeys(("queries", "documents", "items", "data_1", "data_2", "text_1", "text_2"), "user"),
    "count_tokens": {"system": "system", "messages": "user"},
    "tokenize": {"prompt": "user", "messages": "user"},
    "detokenize": {"tokens": "user"},
    "files": {"file": "user"},
    "file": {},
    "response": {},
}
POINTERS: Final = {  # top-level fields that stand for text held elsewhere
    "previous_response_id": "response_id",
    "response_id": "response_id",
    "conversation": "response_id",
    "prompt": "response_id",  # a stored prompt, in the responses dialect; completions reads its own above
    "prompt_token_ids": "token_ids",
    "prompt_embeds": "token_ids",
    "container": "file_id",  # where a provider's code ran before, with the files of that time
    "mcp_servers": "remote_url",
}
_NUMBERS: Final = (  # settings that any request may have: no text of anybody's
    "stream n seed temperature top_p top_k min_p max_tokens max_completion_tokens max_output_tokens logprobs "
    "top_logprobs presence_penalty frequency_penalty repetition_penalty parallel_tool_calls store dimensions top_n"
)
SETTINGS: Final = frozenset(_NUMBERS.split())
NOT_FOR_THE_MODEL: Final = frozenset({"model"})
SCHEMAS: Final = frozenset(
    {"response_format", "text", "output_config", "output_format", "guided_json", "structured_outputs"}
)
FORMAT_HOLDERS: Final = frozenset({"text", "output_config"})  # a schema is their `format`; they hold more
