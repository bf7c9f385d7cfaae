"""A window between measuring and booking: what each request may claim of it, and what it lacks."""

from dataclasses import dataclass, field

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import Row, RowKey
from gateway.metering.gpu.rows import Tokens
from gateway.metering.gpu.ticket import Ticket

Claims = dict[Ticket, int]  # GPU ns


@dataclass(slots=True)
class Held:
    """A window that is measured and claimed, and waits for its neighbour before it is booked."""

    key: RowKey
    row: Row
    mine: bool  # this gateway wrote the row and books what is not a request's
    explained: bool  # the counters told of work, so the row's price is one of its own
    ours: Tokens  # what this gateway's requests read and wrote
    told: Counted | None  # what the engine counted
    rest_ns: int  # busy while no own request was there
    present: Claims  # who was there, and for how long
    carried_ns: int  # waiting at the window's end less at its beginning
    granted: Claims = field(default_factory=dict)
    short: Claims = field(default_factory=dict)  # claims the window's own time did not reach for
