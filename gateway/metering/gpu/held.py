"""A window between measuring and booking: what each request may claim of it, and what it lacks."""

from dataclasses import dataclass, field

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import Booking, Did, Kind, Row, RowKey, Tokens
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.gpu.turns import Turns

Claims = dict[Ticket, int]  # GPU ns


@dataclass(slots=True)
class Held:
    """A window that is measured and claimed, and waits for its neighbour before it is booked."""

    key: RowKey
    row: Row
    explained: bool  # the counters told of work, so the row's price is one of its own
    ours: Tokens  # what this gateway's requests read and wrote
    told: Counted | None  # what the engine counted
    rest_ns: int  # busy while no own request was there
    present: Claims  # who was there, and for how long
    carried_ns: int  # waiting at the window's end less at its beginning
    since_ns: int = 0  # when it was measured
    evened: bool = False  # its neighbours and it have drawn on each other
    did: dict[Ticket, Did] = field(default_factory=dict)  # what those did by its row who had ended by then
    granted: Claims = field(default_factory=dict)
    short: Claims = field(default_factory=dict)  # claims the window's own time did not reach for

    async def grant(self, more: Claims, turns: Turns) -> None:
        """Let those have that much more of the window."""
        for few in turns.over(list(more.items())):
            for ticket, ns in few:
                self.granted[ticket] = self.granted.get(ticket, 0) + ns
            await turns.pause()


def booking(
    kind: Kind, key: RowKey, gpu_ns: int, row: Row, ticket: Ticket | None = None, did: Did | None = None
) -> Booking:
    """GPU time of a window that goes to one use: to the ticket's owner, for what it did there, or to nobody."""
    owner = None
    if ticket is not None:
        owner = ticket.owner
        did = did or ticket.pays_for(key.window, row)
    return Booking(kind, owner, key.backend, key.replica, key.window, gpu_ns, False, row, did)


def correction(kind: Kind, key: RowKey, gpu_ns: int, row: Row, ticket: Ticket | None = None) -> Booking:
    """The same, of a window that was booked before."""
    late = booking(kind, key, gpu_ns, row, ticket)
    late.correction = True
    return late
