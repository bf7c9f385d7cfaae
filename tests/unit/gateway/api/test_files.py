"""Pages of a tenant's files, whatever a client asks for."""

import pytest

from gateway.api.files import page
from gateway.state.belongings import Upload

FILES = [Upload(f"file-{number}", "gpt", frozenset(), 1, number, "user_data") for number in range(3)]


@pytest.mark.parametrize(
    ("limit", "shown"), [("2", 2), ("0", 3), ("", 3), ("-1", 3), ("\u00b2", 3), ("9" * 5000, 3), ("two", 3)]
)
def test_a_limit_that_is_none_shows_all(limit: str, shown: int) -> None:
    told = page(FILES, {"limit": limit})
    assert [each["id"] for each in told["data"]] == [each.id for each in FILES[:shown]]
    assert told["has_more"] == (shown < 3)


def test_pages_follow_one_another() -> None:
    assert page(FILES, {"after": "file-0", "limit": "1"})["first_id"] == "file-1"
    assert page(FILES, {"after": "file-2"})["data"] == []
    assert page(FILES, {"order": "asc"})["first_id"] == "file-2"
