"""The status that the ledger keeps of a request."""

from gateway.api.errors import CLIENT_GONE, status_of
from gateway.pipeline.faults import ClientGone


def test_a_client_that_left_is_no_fault_of_ours():
    assert status_of(ClientGone(), "chat") == status_of(ClientGone(), "messages") == CLIENT_GONE
