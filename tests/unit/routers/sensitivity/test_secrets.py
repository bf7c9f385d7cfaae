"""Secrets: by their issuer's mark, their shape, their name, or the sentence; placeholders and code are none."""

import base64
import hashlib
import string
from random import Random

import pytest

DRAW = Random(7)  # noqa: S311  # the same made-up keys each time


def drawn(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Made here and never issued."""
    return "".join(DRAW.choice(alphabet) for _ in range(length))


PEM_HEAD = "-----BEGIN RSA " + "PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("API_KEY", f"my key ghp_{drawn(36)} stopped working"),
        ("API_KEY", f"sk-ant-api03-{drawn(60)}"),
        ("API_KEY", f"AKIA{drawn(16, string.ascii_uppercase + '234567')}"),
        ("API_KEY", f"xoxb-{drawn(11, '23456789')}-{drawn(12, '23456789')}-{drawn(24)}"),
        ("API_KEY", f"hf_{drawn(34)}"),
        ("API_KEY", f'client_secret = "{drawn(40)}"'),
        ("API_KEY", f"datadog := '{drawn(40, '0123456789abcdef')}'"),
        ("API_KEY", f"curl -H 'Authorization: Bearer {drawn(32)}' https://api.example.com"),
        ("API_KEY", f"acme_live_{drawn(32)} is refused"),  # an issuer nobody has heard of
        ("API_KEY", f"why do I get a 401 with {drawn(36, string.ascii_lowercase + string.digits)}"),
        ("PRIVATE_KEY", f"{PEM_HEAD}\nMIIE"),
        ("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ3ZWlyIn0.c2lnbmF0dXJlLW9mLW5vYm9keQ"),
        ("CONNECTION_STRING", "postgresql://app:Fj3kq9xTz@db.example.com:5432/orders"),
        ("CONNECTION_STRING", "redis://:Fj3kq9xTz@cache.example.com:6379/0"),
        ("PASSWORD", "my wifi password is falcon-tiger-68 how do I share it"),
        ("PASSWORD", "The password for the router is Tr0ub4dor&3"),
        ("PASSWORD", "DB_PASSWORD=Falcon1805!"),
        ("PASSWORD", "Mein Passwort lautet Sommer2023!"),
        ("PASSWORD", "пароль: Qwerty!234"),
        ("PASSWORD", "密码是 Abc@12345"),
        ("PASSWORD", "user root / pass bs@@!9Lt0A does not work"),
    ],
)
def test_found(found, kind, text):
    assert kind in found(text)


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "YOUR_API_KEY_HERE"',
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        'token = os.environ["TOKEN"]',
        "def reset_password(user, new_password): user.password = hash_password(new_password)",
        "password: str = Field(min_length=8)",
        "tokens = tokenizer.encode(text)",
        "Explain how passwords are hashed with bcrypt.",
        "Authorization: Bearer <token>",
        'curl -u "${USER}:${PASS}" https://example.com',
        "postgres://localhost:5432/test",
        '{"cursor": "iUB1tTeegEzTI4Qjx4Cv7h8giW5yKv7Q"}',
        '"integrity": "sha512-AbC123dEf456GhI789jKl012MnO345pQr678StU901vWx=="',
        "commit: 9a038989604e8da62ecddbe2094b16ce1b778be1",
        "the key to success is practice",
    ],
)
def test_not_found(found, text):
    assert not found(text)


def test_what_a_provider_sealed_holds_keys_by_chance_only(judged):
    octets = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(8))
    chance = "YCAJE" + "xK3p" * 9  # an issuer's mark, as chance has it in some of a hundred long texts
    sealed = base64.b64encode(octets).decode()[:320]
    sealed = f"{sealed[:159]}+{chance}{sealed[160:]}"[: 320 + 40]
    assert not judged(("sealed", sealed)).label.types


def test_what_is_not_sealed_is_judged_wherever_it_stands(judged):
    key = "sk-ant-" + "api03-Zk3mP9qT7vXw2LrB8nYc5dHf"
    for text in (
        key,
        f"{key} and more",
        base64.b64encode(b"my SSN is 436-78-4374, please keep it " * 5).decode(),
    ):
        assert judged(("sealed", text)).label.must_stay
