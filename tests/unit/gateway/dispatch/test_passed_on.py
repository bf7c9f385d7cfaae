"""Of a provider's headers the client gets those its library reads: retry advice, rate limits, the request's id."""

from gateway.dispatch.answering import passed_on

_FOR_THE_CLIENT = (
    (b"retry-after", b"7"),
    (b"retry-after-ms", b"6500"),
    (b"x-should-retry", b"true"),
    (b"x-request-id", b"req_1"),
    (b"request-id", b"req_2"),
    (b"openai-processing-ms", b"12"),
    (b"x-ratelimit-limit-requests", b"60"),
    (b"x-ratelimit-remaining-tokens", b"149984"),
    (b"x-ratelimit-reset-tokens", b"6m0s"),
    (b"anthropic-ratelimit-requests-remaining", b"49"),
    (b"anthropic-ratelimit-unified-reset", b"1795237200"),
)
_NOT_FOR_THE_CLIENT = (
    (b"set-cookie", b"__cf_bm=x"),
    (b"openai-organization", b"org-1"),
    (b"anthropic-organization-id", b"org-2"),
    (b"server", b"cloudflare"),
    (b"content-encoding", b"gzip"),
    (b"content-length", b"3"),
    (b"transfer-encoding", b"chunked"),
)


def test_retry_advice_rate_limits_and_ids_are_passed_on() -> None:
    assert passed_on(_FOR_THE_CLIENT) == _FOR_THE_CLIENT


def test_what_names_us_or_belongs_to_the_connection_is_not() -> None:
    assert passed_on(_NOT_FOR_THE_CLIENT) == ()
