"""Signatures are those of AWS's published Signature Version 4 test suite (`aws-sig-v4-test-suite`)."""

from datetime import UTC, datetime

import pytest

from adapters.call import Headers
from adapters.sigv4 import Credentials, Scope, signed

_WHO = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
_SCOPE = Scope("us-east-1", "service")
_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
_HOST = (b"host", b"example.amazonaws.com")


def _signature(method: str, target: bytes, headers: Headers, body: bytes = b"") -> str:
    added = dict(signed(method, target, headers, body, _WHO, _SCOPE, _AT))
    assert added[b"x-amz-date"] == b"20150830T123600Z"
    return added[b"authorization"].decode()


@pytest.mark.parametrize(
    ("case", "method", "target", "headers", "body", "names", "signature"),
    [
        (
            "get-vanilla", "GET", b"/", (_HOST,), b"", "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "get-vanilla-query-order-key-case", "GET", b"/?Param2=value2&Param1=value1", (_HOST,), b"",
            "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-utf8", "GET", "/\u1234".encode(), (_HOST,), b"", "host;x-amz-date",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        (
            "post-vanilla", "POST", b"/", (_HOST,), b"", "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "post-header-key-sort", "POST", b"/", (_HOST, (b"My-Header1", b"value1")), b"",
            "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "post-x-www-form-urlencoded", "POST", b"/",
            (_HOST, (b"content-type", b"application/x-www-form-urlencoded")), b"Param1=value1",
            "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)  # fmt: skip
def test_the_published_suite(
    case: str, method: str, target: bytes, headers: Headers, body: bytes, names: str, signature: str
) -> None:
    assert case
    assert _signature(method, target, headers, body) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    """Suite case `post-sts-header-before`: the token is part of what is signed."""
    token = (
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuw"
        "thAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHN"
        "VXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxB"
        "A=="
    )
    who = Credentials(_WHO.access_key, _WHO.secret_key, token)
    added = dict(signed("POST", b"/", (_HOST,), b"", who, _SCOPE, _AT))
    assert added[b"x-amz-security-token"] == token.encode()
    assert b"SignedHeaders=host;x-amz-date;x-amz-security-token," in added[b"authorization"]
    assert added[b"authorization"].endswith(
        b"Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )


def test_an_invocation_is_signed_as_botocore_signs_it() -> None:
    """The path is escaped once more for the signature, as every service but S3 has it; figure from botocore 1.44.5."""
    who = Credentials(_WHO.access_key, _WHO.secret_key, "token/1")
    added = signed(
        "POST",
        b"/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
        ((b"host", b"bedrock-runtime.eu-central-1.amazonaws.com"), (b"content-type", b"application/json")),
        b'{"max_tokens":5,"anthropic_version":"bedrock-2023-05-31"}',
        who,
        Scope("eu-central-1", "bedrock"),
        datetime(2026, 11, 21, 5, tzinfo=UTC),
    )
    assert dict(added)[b"authorization"].endswith(
        b"Signature=eb177cfd71407f70400710f2cbebb4bc73d2aa0e4cd8225202b01ac07deabadc"
    )


def test_secrets_show_nowhere() -> None:
    who = Credentials("AKIDEXAMPLE", "very-secret", "session-secret")
    assert "secret" not in repr(who)
    assert b"very-secret" not in b"".join(
        value for _, value in signed("GET", b"/", (_HOST,), b"", who, _SCOPE, _AT)
    )
