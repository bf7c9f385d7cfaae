"""The pooled upstream HTTP/1.1 client: one `Pool` per replica, one `Answer` per call; bytes out, bytes in."""

from adapters.transport.answer import Answer
from adapters.transport.connection import Limits, Timeouts
from adapters.transport.origin import Origin, proxy_fault, tls_context
from adapters.transport.pool import Pool

__all__ = ["Answer", "Limits", "Origin", "Pool", "Timeouts", "proxy_fault", "tls_context"]
