"""The times and limits of GPU accounting."""

from dataclasses import dataclass

from gateway.metering.gpu.facts import SECOND


@dataclass(frozen=True, slots=True)
class Rules:
    """How long windows are and how long they wait (ns)."""

    window_ns: int = SECOND
    grace_ns: int = 3 * SECOND  # for the counters to cover a window, before it is closed without them
    patience_ns: int = (
        30 * SECOND
    )  # for open requests, before what they turn out to have used is a correction
    cap: float = 1.25  # the price level's limit, as a multiple of its usual value
    usual_windows: int = 60
    linger: int = 1  # windows beside the next that stay open for claims from beyond their edges
    reach: int = 2  # windows back whose unclaimed time tokens may draw on, however many stay open
    company_ns: int = 0  # for other gateways to come with what they know (several: more than a second)
    correctable: int = 3600  # windows whose prices are kept for attempts that go on so long
    settled_after: float = 5.0  # busy seconds until the usual price level is known well enough to cap by it

    @classmethod
    def in_company(cls) -> "Rules":
        """Those of several gateways before one engine, each of which looks at its windows once a second."""
        return cls(company_ns=3 * SECOND // 2)
