"""Keys: shown once, kept as a digest, refused with a reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.access.keys import AccessDenied, Credential, Keyring, create, digest

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def ring(
    *credentials: tuple[str, str, datetime | None], clock: Callable[[], datetime] = lambda: NOW
) -> Keyring:
    made = (Credential("acme", name, digest(key), expires) for name, key, expires in credentials)
    return Keyring(made, clock)


def test_a_key_is_random_and_known_by_its_digest_alone() -> None:
    first, second = create(), create()
    assert first != second
    assert first.startswith("sk-weir-")
    principal = ring(("app", first, None)).authenticate(f"Bearer {first}".encode())
    assert (principal.tenant, principal.key) == ("acme", "app")


def test_two_keys_count_while_one_replaces_the_other() -> None:
    old, new = create(), create()
    keys = ring(("old", old, NOW + timedelta(days=1)), ("new", new, None))
    assert keys.authenticate(b"Bearer " + old.encode()).key == "old"
    assert keys.authenticate(b"bearer  " + new.encode()).key == "new"


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
        ring().authenticate(header)
    assert denied.value.reason == reason


def test_an_expired_key_is_named_but_not_shown() -> None:
    key = create()
    with pytest.raises(AccessDenied, match="'app' expired on 2026-11-21") as denied:
        ring(("app", key, NOW)).authenticate(f"Bearer {key}".encode())
    assert denied.value.reason == "expired"
    assert key not in str(denied.value)


def test_a_key_that_was_shown_before_expires_all_the_same() -> None:
    key, now = create(), [NOW]
    keys = ring(("app", key, NOW + timedelta(days=1)), clock=lambda: now[0])
    shown = f"Bearer {key}".encode()
    assert keys.authenticate(shown) == keys.authenticate(shown)
    now[0] += timedelta(days=1)
    with pytest.raises(AccessDenied) as denied:
        keys.authenticate(shown)
    assert denied.value.reason == "expired"


def test_what_is_remembered_of_a_key_in_many_spellings_is_bounded() -> None:
    key = create()
    keys = ring(("app", key, None))
    for spaces in range(1, 5000):
        assert keys.authenticate(b"Bearer" + b" " * spaces + key.encode()).key == "app"
    assert len(keys._shown) < 4999
