"""Before a window's prices are posted, gateways tell each other what they know of it: prices rest on all of that."""

from gateway.metering.gpu.crowd import together
from gateway.metering.gpu.facts import RowKey
from gateway.metering.gpu.rows import Knowledge, WindowRows
from gateway.metering.gpu.spans import union
from gateway.metering.gpu.tally import Tally


class Company:
    """The other gateways before one replica. `offset_ns` turns monotonic times into UTC."""

    def __init__(self, rows: WindowRows, offset_ns: int, window: int) -> None:
        self._rows = rows
        self._offset = offset_ns
        self._others: list[Knowledge] = []
        self._announced = window - 1  # the last window of which they know that there may be something to say
        self.said = window  # up to which window they know all that is known here

    async def announce(self, key: RowKey) -> None:
        """A window is over, and this gateway may have something to say of it."""
        if key.window > self._announced:
            self._announced = key.window
            await self._rows.meet(key, None)

    async def meet(self, key: RowKey, tally: Tally) -> bool:
        """Say what is known here; whether every other gateway that was announced has done so too."""
        others = await self._rows.meet(key, tally.known(self._offset))
        self.said = max(self.said, key.window + 1)
        self._others = [each for each in others if each is not None]
        return len(self._others) == len(others)

    def together(self, tally: Tally) -> Knowledge:
        """What is known here and what the others last said, in this gateway's monotonic time."""
        begin, end, spans = tally.begin, tally.end, tally.spans
        counted, abandoned, over = tally.counted(), tally.abandoned, tally.over
        doubt = tally.doubt
        silences, prompts = [silence for silence, _ in tally.silences], list(tally.prompts)
        present = sum(tally.present.values())
        for other in self._others:
            theirs = ((max(begin, b - self._offset), min(end, e - self._offset)) for b, e in other.spans)
            spans = union([*spans, *theirs])
            counted, abandoned = counted.plus(other.counted), abandoned.plus(other.abandoned)
            doubt = doubt.plus(other.doubt)
            over, present = over and other.over, present + other.present_ns
            silences += other.silences
            prompts += (prompt.shifted(-self._offset) for prompt in other.prompts)
        writers = together([tally.crowd.writers, *(other.writers for other in self._others)])
        return Knowledge(
            counted, abandoned, doubt, tuple(spans), over, present, tuple(silences), tuple(prompts), writers
        )
