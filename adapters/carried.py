"""What of a request's headers is to be judged: whoever gets the request reads those that travel with it, too."""

import re
from typing import Final

from adapters.call import Headers

_HARMLESS: Final = re.compile(  # a trace, an id drawn at random, the names of betas
    rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|"
    rb"(?:req[-_])?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|"
    rb"[a-z0-9-]{1,40}-20[0-9]{2}-?[01][0-9]-?[0-3][0-9](?:, ?[a-z0-9-]{1,40}-20[0-9]{2}-?[01][0-9]-?[0-3][0-9])*|"
    rb"[a-z]{1,20}=v[0-9]"
)


def carried(headers: Headers) -> list[tuple[str, str]]:
    """The headers' values as (origin, text), but for those that hold no more than their kind asks. Without their names:
    what an `idempotency-key` holds is no key."""
    return [
        ("header", value.decode("utf-8", "replace")) for _, value in headers if not _HARMLESS.fullmatch(value)
    ]
