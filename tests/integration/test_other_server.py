"""The data plane as plain ASGI under uvicorn's own protocols: what Weir's own edge serves directly works there too."""

from collections.abc import Iterator

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.app import server
from tests.integration.sandboxed import Sandboxed
from tests.integration.test_gateway import (  # noqa: F401  # the same tests, collected here with this file's Weir
    test_a_400_of_the_provider_is_the_clients_and_is_tried_once,
    test_a_body_that_is_too_large_is_refused_before_it_is_read,
    test_a_client_that_leaves_cancels_the_upstream_call_at_once,
    test_a_debug_stream_carries_the_decision_before_its_end,
    test_a_stream_that_breaks_ends_with_an_error_and_never_with_a_clean_stop,
    test_advice_to_wait_reaches_the_client,
    test_an_easy_request_is_served_at_home_and_says_so,
    test_every_request_is_one_row_and_one_count,
    test_keys_are_asked_for,
    test_unknown_paths_and_methods_are_told_so,
)


@pytest.fixture(scope="module", params=[HttpToolsProtocol, H11Protocol])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "serve_protocol", lambda _: request.param)
        running = Sandboxed(tmp_path_factory.mktemp("weir"))
    yield running
    running.stop()
