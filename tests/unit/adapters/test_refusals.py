"""A provider's error is judged by what it is, and says nothing to the client that is not the client's to know."""

import json

import pytest

from adapters.refusals import judge, status_under


def _openai(
    message: str, kind: str = "invalid_request_error", code: object = None, param: str | None = None
) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


_OPENAI_401 = _openai("Incorrect API key provided: sk-ab***yz.", code="invalid_api_key")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _openai("temperature must be non-negative", "BadRequestError", 400, "temperature"), "client"),
        (400, _openai("API key not valid. Please pass a valid API key."), "ours"),
        (401, _OPENAI_401, "ours"),
        (401, b'{"error":"Unauthorized"}', "ours"),
        (402, b'{"error":{"message":"Insufficient Balance"}}', "ours"),
        (403, _openai("forbidden"), "ours"),
        (404, _openai("The model `x` does not exist", "NotFoundError", 404, "model"), "gone"),
        (404, _openai("No such file: file-1"), "client"),
        (404, _openai("Invalid URL (POST /v2/chat)"), "ours"),
        (404, b'{"detail":"Not Found"}', "ours"),
        (404, b"<html>nginx</html>", "ours"),
        (408, b"", "busy"),
        (409, b"", "busy"),
        (410, b"", "gone"),
        (413, b"<html>too large</html>", "client"),
        (422, b'{"detail":[{"msg":"x"}]}', "client"),
        (429, _openai("Rate limit reached in organization org-123"), "busy"),
        (500, _openai("oops"), "broken"),
        (502, b"<html>bad gateway</html>", "broken"),
        (503, _openai("The engine is busy", "Service Unavailable", 503), "busy"),
        (529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "busy"),
        (307, b"", "broken"),
    ],
)
def test_kinds(status: int, body: bytes, kind: str) -> None:
    refusal = judge(status, body)
    assert refusal.kind == kind
    error = json.loads(refusal.body)["error"]
    assert error["message"]
    assert refusal.status >= 400


def test_the_clients_own_fault_keeps_the_providers_bytes() -> None:
    body = b'{"error": {"message":"bad", "type":"x","param":null,"code":400}, "odd":1.50}'
    assert judge(400, body).body == body


def test_our_fault_never_looks_like_the_clients() -> None:
    refusal = judge(401, _OPENAI_401)
    assert refusal.status == 502
    assert b"sk-ab" not in refusal.body
    assert "gateway's configuration" in json.loads(refusal.body)["error"]["message"]


def test_a_body_that_holds_our_key_is_never_passed_on() -> None:
    refusal = judge(400, _openai("bad header: Bearer sk-ours-1"), secret="sk-ours-1")
    assert refusal.kind == "ours"
    assert b"sk-ours" not in refusal.body


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_providers_name_for_us_stays_here(status: int) -> None:
    refusal = judge(status, _openai("Rate limit reached in organization org-123"))
    assert b"org-123" not in refusal.body
    assert "org-123" not in refusal.message


def test_the_record_quotes_no_prompt() -> None:
    refusal = judge(400, _openai("you wrote: my secret", code="invalid_value", param="messages[0].content"))
    assert refusal.message == "400 invalid_request_error invalid_value messages[0].content"
    assert "secret" not in repr(refusal)


def test_gemini_wraps_its_error_in_an_array() -> None:
    refusal = judge(
        400, b'[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]'
    )
    assert refusal.kind == "ours"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 429, "message": "m"}}, 429),
        ({"error": {"code": "503", "message": "m"}}, 503),
        ({"error": {"code": "rate_limit_exceeded", "type": "invalid_request_error"}}, 429),
        ({"error": {"code": None, "type": "invalid_request_error", "message": "m"}}, 400),
        ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, 400),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, 529),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "m"}, 429),
        ({"error": {"code": 1234, "message": "a number that is no status"}}, 502),
        ({"error": "a sentence"}, 502),
        ({"choices": [{"finish_reason": "error", "error": {"code": 504}}]}, 504),
        ({"choices": [{"finish_reason": "error"}]}, 502),
    ],
)
def test_an_error_under_a_200_stands_for_a_status(body: dict[str, object], status: int) -> None:
    assert status_under(json.dumps(body).encode()) == status
