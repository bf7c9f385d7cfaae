"""Backends as platform engineers write them: presets, keys from the environment, and what belongs to which kind."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.app.build import adapter
from gateway.configuration.snapshot import Snapshot

_REST = """
zones: {cloud: {inside: false}}
models: {m: {backend: b}}
boundaries: []
routes: [{name: only, use: [m]}]
"""


def _backend(text: str) -> str:
    return f"backends: {{b: {{zone: cloud, {text}}}}}{_REST}"


def test_a_preset_brings_address_key_and_seller(loaded: Callable[..., Snapshot]) -> None:
    snapshot = loaded(_backend("kind: openai, preset: mistral"), environ={"MISTRAL_API_KEY": "sk-m"})
    made = snapshot.backends["b"]
    assert (made.replicas, made.provider) == (("https://api.mistral.ai",), "mistral")
    assert made.api_key is not None
    assert made.api_key.reveal() == "sk-m"
    assert not any("api_key" in warning for warning in snapshot.warnings)
    assert "sk-m" not in repr(snapshot.redacted())


def test_a_key_that_is_written_wins(loaded: Callable[..., Snapshot]) -> None:
    made = loaded(_backend("kind: openai, preset: groq, api_key: mine"), environ={"GROQ_API_KEY": "other"})
    assert made.backends["b"].api_key.reveal() == "mine"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kind: openai, preset: xai", "set XAI_API_KEY, or `api_key`"),
        ("kind: azure, replicas: [https://x.openai.azure.com]", "set AZURE_OPENAI_API_KEY, or `api_key`"),
        ("kind: bedrock, region: eu-central-1", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or"),
    ],
)
def test_a_provider_without_a_key_is_warned_of(
    loaded: Callable[..., Snapshot], text: str, wanted: str
) -> None:
    (warning,) = [each for each in loaded(_backend(text)).warnings if "api_key" in each]
    assert "its provider will refuse every call" in warning
    assert wanted in warning


def test_bedrock_takes_awss_own_names(loaded: Callable[..., Snapshot]) -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "aws-hidden",
        "AWS_SESSION_TOKEN": "token-hidden",
    }
    snapshot = loaded(_backend("kind: bedrock, region: eu-central-1"), environ=environ)
    made = snapshot.backends["b"]
    assert made.replicas == ("https://bedrock-runtime.eu-central-1.amazonaws.com",)
    assert made.provider == "aws"
    assert made.aws is not None
    assert made.aws.secret_access_key.reveal() == "aws-hidden"
    shown = repr(snapshot.redacted()) + repr(snapshot) + repr(adapter(made))
    assert "hidden')" not in shown.replace("Secret(hidden)", "")
    assert "aws-hidden" not in shown
    assert "token-hidden" not in shown


_KEY = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "x"}
_IDENTITY = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/weir", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}
_CONTAINER = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}


@pytest.mark.parametrize(
    ("environ", "source", "profile"),
    [
        ({**_KEY, **_IDENTITY}, None, ""),
        ({**_IDENTITY, "AWS_PROFILE": "weir"}, "web_identity", ""),
        ({"AWS_PROFILE": "weir", **_CONTAINER}, "profile", "weir"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "/aws"}, "profile", "default"),
        (_CONTAINER, "container", ""),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/x"}, "container", ""),
    ],
)
def test_bedrock_takes_credentials_where_awss_own_libraries_would(
    loaded: Callable[..., Snapshot], environ: dict[str, str], source: str | None, profile: str
) -> None:
    snapshot = loaded(_backend("kind: bedrock, region: eu-central-1"), environ=environ)
    aws = snapshot.backends["b"].aws
    assert aws is not None
    assert (aws.source, aws.profile) == (source, profile)
    assert not any("api_key" in warning for warning in snapshot.warnings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: openai, preset: mistrall", "did you mean `mistral`?"),
        ("kind: vllm, replicas: [http://10.0.0.1:8000], preset: groq", "`preset` belongs to backends of the kind"),
        ("kind: openai, region: eu-central-1", "`region` belongs to backends of the kind bedrock"),
        ("kind: anthropic, lacks: [responses]", "`lacks` belongs to backends of the kind openai"),
        ("kind: openai, lacks: [respones]", "did you mean `responses`?"),
        ("kind: openai, api_version: 2024-10-21x", "`api_version` belongs to backends of the kind azure"),
        ("kind: azure", "an azure backend needs `replicas`, like [https://NAME.openai.azure.com]"),
        ("kind: bedrock", "a bedrock backend needs its `region`, like eu-central-1"),
        ("kind: bedrock, region: a, replicas: [https://a.example, https://b.example]",
         "a bedrock backend has one address"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(refused: Callable[..., list[str]], text: str, said: str) -> None:
    assert said in "\n".join(refused(_backend(text)))


def test_a_presets_address_is_outside_whatever_its_zone_says(refused: Callable[..., list[str]]) -> None:
    text = _backend("kind: openai, preset: groq").replace("inside: false", "inside: true")
    assert "cannot be inside" in "\n".join(refused(text))


def test_what_a_server_lacks_is_taken_over(loaded: Callable[..., Snapshot]) -> None:
    snapshot = loaded(_backend("kind: openai, preset: fireworks, lacks: [responses]"))
    made: Any = adapter(snapshot.backends["b"])
    assert made.deviations.lacks == {"responses", "files", "file"}
