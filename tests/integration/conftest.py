"""What integration tests share: a Weir of each module's own, calmed for each test (a module may have another `whole`
or `weir`); OpenAI's own library, which speaks to it as two tenants; a stand-in of recordings; time on busy machines."""

from collections.abc import Iterator

import openai
import pytest

from gateway.pipeline import judging_apart
from tests.integration.replaying import Replay
from tests.integration.sandboxed import Sandboxed
from tests.integration.weirs import RunningWeir


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Late is no failure of a detector here, and would raise a label."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging_apart, "_SECONDS", 30.0)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    running = Sandboxed(tmp_path_factory.mktemp("weir"))
    yield running
    running.stop()


@pytest.fixture
def weir(whole: Sandboxed) -> Sandboxed:
    whole.calm()
    return whole


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """A stand-in provider that answers with recordings."""
    server = Replay()
    yield server
    server.stop()


@pytest.fixture
def client(weir: RunningWeir) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
        yield client


@pytest.fixture
def stranger(weir: RunningWeir) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.other_key, max_retries=0) as client:
        yield client
