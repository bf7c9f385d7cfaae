"""What a conversation keeps is remembered, and a memory that cannot be asked is not written over."""

from adapters.dialects.ingress import INGRESS
from gateway.access.keys import Principal
from gateway.metering.prometheus import Metrics
from gateway.pipeline.course import Course, Turn, written
from gateway.pipeline.journey import Journey
from gateway.pipeline.judge import Purpose
from gateway.pipeline.keeping import Keeping
from gateway.state.claims import Gone
from gateway.state.conversations import Bounds

BOUNDS = Bounds(keep_ms=1000, most=100)
HARD = Course("hard", "gpt", 0.9, "proof", "en", {})


class Memory:
    """Remembers one conversation, and can be out of reach."""

    def __init__(self) -> None:
        self.held = ""
        self.away = False

    async def recall(self, _tenant: str, _conversation: str, _bounds: Bounds) -> str:
        if self.away:
            raise Gone("Redis did not answer in time")
        return self.held

    async def keep(self, _tenant: str, _conversation: str, chosen: str, _bounds: Bounds) -> None:
        if self.away:
            raise Gone("Redis did not answer in time")
        self.held = chosen


def journey() -> Journey:
    purpose = Purpose("", "", "case-4711", None)
    return Journey("r1", Principal("acme", "app"), "p1", INGRESS["chat"], purpose=purpose)


async def test_where_a_turn_went_is_what_the_next_one_knows() -> None:
    keeping = Keeping(Memory(), Metrics(version="1"))
    first = await keeping.turn(journey(), BOUNDS)
    assert first is not None
    first.now = HARD
    await keeping.keep(journey(), first)
    second = await keeping.turn(journey(), BOUNDS)
    assert second is not None
    assert second.before == HARD


async def test_a_turn_that_could_not_ask_is_decided_by_itself_and_writes_nothing_over() -> None:
    memory = Memory()
    memory.held, memory.away = written(HARD), True
    keeping = Keeping(memory, Metrics(version="1"))
    turn: Turn | None = await keeping.turn(journey(), BOUNDS)
    memory.away = False
    assert turn is None
    assert memory.held == written(HARD)
