"""An error that OpenRouter's stand-in sends under a 200, through a whole Weir: the status it stands for, or another
model."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.strict_site import Strict


@pytest.fixture(scope="module")
def weir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    running = Strict(tmp_path_factory.mktemp("strict"))
    yield running
    running.stop()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("when", "status", "code"),
    [
        ("at once", 502, "provider_error"),
        ("at once with 429", 429, "provider_busy"),
        ("at once with 402", 502, "gateway_misconfigured"),
        ("at once with 400", 400, 400),
        ("halfway", 502, "provider_error"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_openrouters_error_under_a_200_is_told_with_the_status_it_stands_for(
    weir: Strict, path: str, when: str, status: int, code: str | int, stream: bool
) -> None:
    said = {"role": "user", "content": f"fail {when}"}
    asked = {"model": "openrouter", "stream": stream, "messages": [said], "max_tokens": 9}
    if path == "/v1/responses":
        asked = {"model": "openrouter", "stream": stream, "input": [said]}
    got, _, body = weir.post(asked, path=path)
    if stream and when == "halfway" and got == 200:  # words have reached the client: an error event ends them
        assert b'"error"' in body
        assert not any(end in body for end in (b"[DONE]", b"message_stop", b"response.completed"))
        assert weir.rows("attempts")[-1]["outcome"] == "cut"
        return
    assert got == status, body
    if path != "/v1/messages":  # whose errors have no code
        assert json.loads(body)["error"]["code"] == code
    told = "rejected" if status == 400 else "failed"
    assert weir.rows("attempts")[-1]["outcome"] == told


def test_openrouters_error_under_a_200_lets_the_next_model_answer(tmp_path: Path) -> None:
    weir = Strict(tmp_path)  # of its own: too many errors would have OpenRouter tried last
    try:
        for when, stream in itertools.product((" with 429", " with 402", ""), (False, True)):
            said = {"role": "user", "content": f"fail at once{when}"}
            asked = {"model": "auto", "stream": stream, "messages": [said]}
            status, headers, body = weir.post(asked, x_weir_workflow="broken")
            assert (status, headers["x-weir-attempts"], headers["x-weir-model"]) == (200, "2", "fireworks"), (
                body
            )
            assert b"PROCESSING" not in body
    finally:
        weir.stop()
