"""Fixtures of the integration tests: a real vLLM, shared by all tests that want one."""

from collections.abc import Iterator

import pytest

from tests.integration.engines import RealVllm


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealVllm]:
    """A running vLLM, started once. A test that kills it starts it again."""
    engine = RealVllm(tmp_path_factory.mktemp("vllm") / "vllm.log")
    engine.start()
    try:
        yield engine
    finally:
        engine.kill()
