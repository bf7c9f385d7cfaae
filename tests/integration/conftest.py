"""OpenAI's own library, speaking to the Weir of a module (its fixture `weir`): as its first tenant, and as another."""

from collections.abc import Iterator

import openai
import pytest

from tests.integration.weirs import RunningWeir


@pytest.fixture
def client(weir: RunningWeir) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
        yield client


@pytest.fixture
def stranger(weir: RunningWeir) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.other_key, max_retries=0) as client:
        yield client
