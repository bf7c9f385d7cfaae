"""A whole Weir before Bedrock's stand-in: credentials that change where they come from sign the next requests."""

import time
from pathlib import Path

import pytest

from gateway.app import renewing
from gateway.fleet import aws
from tests.integration.providers import StandIn, bedrock
from tests.integration.weirs import RunningWeir

POLICY = """
zones: {{cloud: {{inside: false}}}}
backends:
  bedrock: {{kind: bedrock, region: eu-central-1, zone: cloud, replicas: ["{url}"], aws: {{profile: weir}}}}
models: {{claude: {{backend: bedrock, upstream: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"}}}}
boundaries: []
routes: [{{name: only, use: [claude]}}]
aliases: {{auto: routed}}
"""


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
    weir = RunningWeir(tmp_path, POLICY.format(url=part.url), {"AWS_SHARED_CREDENTIALS_FILE": str(file)})
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        assert weir.post(body, path="/v1/messages")[0] == 200
        assert part.asked[-1].headers["x-amz-security-token"] == "first"
        rotate("second")
        deadline = time.monotonic() + 20
        while part.asked[-1].headers["x-amz-security-token"] != "second" and time.monotonic() < deadline:
            time.sleep(0.05)
            assert weir.post(body, path="/v1/messages")[0] == 200
        assert part.asked[-1].headers["x-amz-security-token"] == "second"
        file.unlink()  # what cannot be renewed stays
        time.sleep(0.1)
        assert weir.post(body, path="/v1/messages")[0] == 200
    finally:
        weir.stop()
        part.stop()
