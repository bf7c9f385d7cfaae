"""That Weir, one for each module."""

from collections.abc import Iterator

import pytest

from tests.integration.endpoints.pooled import Pooled


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    running = Pooled(tmp_path_factory.mktemp("weir"))
    yield running
    running.stop()
