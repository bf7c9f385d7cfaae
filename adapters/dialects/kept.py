"""The names by which a request speaks of what its provider keeps: files, responses, containers, caches.

Providers know Weir's key alone, so a name that one tenant made up or overheard would open what another left there. The
gateway asks of every name whose it is; here they are found. What is looked for are names, not shapes, so that a shape
nobody has heard of yet is found too.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.others import OFTEN, others

_NAMES: Final = frozenset(  # members whose value names something kept, alone or in a list
    ("previous_response_id", "response_id", "file_id", "file_ids", "vector_store_id", "vector_store_ids",
     "container_id", "skill_id", "conversation_id", "conversation", "container", "approval_request_id", "batch_id",
     "prompt_id", "audio_id", "assistant_id", "thread_id",
     "cached_content", "cachedContent", "file_uri", "fileUri", "file_search_store_names",  # Gemini's
     "library_ids",  # Mistral's
     "collection_ids",  # xAI's
     "uuid")  # vLLM's: media it holds for whoever knows the word
)  # fmt: skip
_HOLDERS: Final = frozenset(
    {"conversation", "prompt", "container", "audio", "voice"}
)  # their `id` is the name
_ADDRESSES: Final = frozenset({"url", "uri", "image_url", "file_url", "audio_url", "video_url"})
_APPLICATIONS: Final = frozenset(
    {"parameters", "schema", "metadata", "headers"}
)  # it makes up what these hold
_PUBLIC: Final = frozenset({"http", "https", "data"})
_PROVIDERS_OWN_STORE: Final = "generativelanguage.googleapis.com"  # Gemini names its files by address
_LONGEST_ADDRESS: Final = 2_048  # characters; a longer one is data


def named(
    value: Any, key: str = "", *, bare: bool = False, made_up: frozenset[str] = frozenset()
) -> Iterator[str]:
    """The names in a JSON value that stands under `key`, in order; one may come twice. `bare`: an object with an `id`
    and no type is a name too, as among a responses request's items. `made_up`: further members whose content is the
    application's own. Never raises on JSON."""
    passed_over = _APPLICATIONS | made_up
    stack: list[tuple[str, Any]] = [(key, value)]
    taken = 0
    while stack:
        taken += 1
        if taken & OFTEN == OFTEN:
            others()
        under, item = stack.pop()
        if isinstance(item, dict):
            yield from _by_its_id(under, item, bare=bare)
            stack.extend(reversed([each for each in item.items() if each[0] not in passed_over]))
        elif isinstance(item, list):
            stack.extend((under, each) for each in reversed(item))
        elif isinstance(item, str) and item and (under in _NAMES or _is_a_name(under, item)):
            yield item


def _by_its_id(key: str, item: Mapping[str, Any], *, bare: bool) -> Iterator[str]:
    """What an object names by its own `id`: it holds nothing else, or says it is a reference. Reasoning that brings
    neither its sealed nor its open form is looked up by id."""
    name, kind = item.get("id"), item.get("type")
    if not isinstance(name, str):
        return
    looked_up = kind == "reasoning" and not item.get("encrypted_content") and not item.get("content")
    untyped = bare and kind is None and "role" not in item
    if (bare and looked_up) or kind == "item_reference" or key in _HOLDERS or untyped:
        yield name


def _is_a_name(key: str, text: str) -> bool:
    """Whether an address is none that anybody could fetch: it names what this provider, or its machine, has."""
    if key not in _ADDRESSES or len(text) > _LONGEST_ADDRESS:
        return False
    scheme, colon, _ = text.partition(":")
    if not colon:
        return False
    if scheme.lower() not in _PUBLIC:
        return True
    try:
        return urlsplit(text).hostname == _PROVIDERS_OWN_STORE
    except ValueError:  # no address at all: the provider will say so
        return False
