"""What all integration tests share: OpenAI's own library, speaking to the Weir of a module (its fixture `weir`) as its
first tenant and as another; and time enough on a machine that is busy."""

from collections.abc import Iterator

import openai
import pytest

from gateway.pipeline import judging_apart
from tests.integration.weirs import RunningWeir


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Late is no failure of a detector here, and would raise a label."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging_apart, "_SECONDS", 30.0)
        yield


@pytest.fixture
def client(weir: RunningWeir) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
        yield client


@pytest.fixture
def stranger(weir: RunningWeir) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.other_key, max_retries=0) as client:
        yield client
