"""Which paths the data plane serves, and which it leaves to nobody."""

import pytest

from adapters.dialects import files
from gateway.api.paths import dialect_at


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/files/file-1", "file"),
        ("/v1/files/..file", "file"),
        ("/v1/files/file-1/content", "file"),
        ("/v1/responses/resp_1", "response"),
        ("/v1/responses/resp_1/cancel", "response"),
        ("/v1/responses/input_tokens", None),
    ],
)
def test_ids_stand_in_paths(path, dialect):
    assert dialect_at(path) == dialect


@pytest.mark.parametrize("id_", [".", ".."])
@pytest.mark.parametrize(
    "path", ["/v1/files/{}", "/v1/files/{}/content", "/v1/responses/{}", "/v1/responses/{}/cancel"]
)
def test_no_id_leads_elsewhere_below_the_provider(path, id_):
    assert dialect_at(path.format(id_)) is None


def test_what_was_escaped_twice_leads_nowhere_either():
    path = "/v1/files/%2e%2e/content"  # as it is after the first time
    named = files.named(path)
    assert named == ("%2e%2e", True)
    assert files.place({"id": named[0], "action": "content"}) == b"/%252e%252e/content"
