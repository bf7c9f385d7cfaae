"""A whole Weir before Bedrock's stand-in: credentials that change where they come from sign the next requests."""

import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from gateway.app import renewing
from gateway.fleet import aws
from tests.integration.providers import Asked, Reply, StandIn, bedrock
from tests.integration.waiting import until
from tests.integration.weirs import RunningWeir

POLICY = """
zones: {{cloud: {{inside: false}}}}
backends:
  bedrock: {{kind: bedrock, region: eu-central-1, zone: cloud, replicas: ["{url}"]{more}}}
models: {{claude: {{backend: bedrock, upstream: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"}}}}
boundaries: []
routes: [{{name: only, use: [claude]}}]
aliases: {{auto: routed}}
"""


def signed(weir: RunningWeir, part: StandIn) -> str:
    """The session with whose credentials a request now goes out."""
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    assert weir.post(body, path="/v1/messages")[0] == 200
    return part.asked[-1].headers["x-amz-security-token"]


def test_a_profile_that_is_rotated_signs_the_next_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "EVERY", 0.02)
    monkeypatch.setattr(aws, "FILE_EVERY", 0.02)
    part, file = StandIn(bedrock), tmp_path / "credentials"

    def rotate(session: str) -> None:
        file.write_text(
            f"[weir]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\naws_session_token = {session}\n"
        )

    rotate("first")
    weir = RunningWeir(
        tmp_path,
        POLICY.format(url=part.url, more=", aws: {profile: weir}"),
        {"AWS_SHARED_CREDENTIALS_FILE": str(file)},
    )
    try:
        assert signed(weir, part) == "first"
        rotate("second")
        until(lambda: signed(weir, part) == "second")
        file.unlink()  # what cannot be renewed stays
        time.sleep(0.1)
        assert signed(weir, part)
    finally:
        weir.stop()
        part.stop()


def granted(session: str, ends: float) -> bytes:
    shown = datetime.fromtimestamp(ends, UTC).isoformat().replace("+00:00", "Z")
    return (
        f"<Credentials><AccessKeyId>AKIDEXAMPLE</AccessKeyId><SecretAccessKey>hidden</SecretAccessKey>"
        f"<SessionToken>{session}</SessionToken><Expiration>{shown}</Expiration></Credentials>"
    ).encode()


def test_a_service_accounts_role_signs_and_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on EKS: nothing in the configuration, and a token in a file that changes before it expires."""
    monkeypatch.setattr(renewing, "EVERY", 0.02)
    monkeypatch.setattr(aws, "FILE_EVERY", 0.02)
    file = tmp_path / "token"

    def sts(asked: Asked) -> Reply:
        token = parse_qs(asked.body.decode())["WebIdentityToken"][0]
        return 200, {"content-type": "text/xml"}, granted(f"for-{token}", time.time() + 60)

    part, tokens = StandIn(bedrock), StandIn(sts)
    file.write_text("first")
    environ = {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/weir",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_ENDPOINT_URL_STS": tokens.url,
        "AWS_ACCESS_KEY_ID": "",
    }
    weir = RunningWeir(tmp_path, POLICY.format(url=part.url, more=""), environ)
    try:
        assert signed(weir, part) == "for-first"
        file.write_text("second")
        until(lambda: signed(weir, part) == "for-second")
        tokens.stop()  # what cannot be renewed stays
        time.sleep(0.1)
        assert signed(weir, part)
        assert not any(secret in caplog.text for secret in ("hidden", "for-first", "for-second"))
    finally:
        weir.stop()
        part.stop()
