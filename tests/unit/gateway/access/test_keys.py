"""Keys: shown once, kept as a digest, refused with a reason."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.access.keys import AccessDenied, Credential, Keyring, create, digest

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def ring(*credentials: tuple[str, str, datetime | None]) -> Keyring:
    return Keyring(Credential("acme", name, digest(key), expires) for name, key, expires in credentials)


def test_a_key_is_random_and_known_by_its_digest_alone() -> None:
    first, second = create(), create()
    assert first != second
    assert first.startswith("sk-weir-")
    principal = ring(("app", first, None)).authenticate(f"Bearer {first}".encode(), NOW)
    assert (principal.tenant, principal.key) == ("acme", "app")


def test_two_keys_count_while_one_replaces_the_other() -> None:
    old, new = create(), create()
    keys = ring(("old", old, NOW + timedelta(days=1)), ("new", new, None))
    assert keys.authenticate(b"Bearer " + old.encode(), NOW).key == "old"
    assert keys.authenticate(b"bearer  " + new.encode(), NOW).key == "new"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        (b"", "missing"),
        (b"Basic abc", "malformed"),
        (b"Bearer ", "malformed"),
        (b"Bearer x", "unknown"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(header: bytes | None, reason: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        ring().authenticate(header, NOW)
    assert denied.value.reason == reason


def test_an_expired_key_is_named_but_not_shown() -> None:
    key = create()
    with pytest.raises(AccessDenied, match="'app' expired on 2026-11-21") as denied:
        ring(("app", key, NOW)).authenticate(f"Bearer {key}".encode(), NOW)
    assert denied.value.reason == "expired"
    assert key not in str(denied.value)
