"""What Weir keeps of an engine's metrics page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineReading:
    """One engine of a page. Counters count from its start; a series the page lacks is 0, `steps` None."""

    engine: str
    running: float = 0.0  # requests being worked on
    waiting: float = 0.0  # requests queued
    kv_usage: float = 0.0  # share of the KV cache in use, 0..1
    kv_capacity: float = 0.0  # tokens the KV cache holds
    steps: float | None = None
    computed: float = 0.0  # prompt tokens computed (cache hits are out)
    generated: float = 0.0  # tokens written
    prompts: float = 0.0  # prompt tokens, cache hits included
    started: float = 0.0  # requests that got their first token
    asleep: bool = False
    preempted: float = 0.0  # times that memory ran out and a request was dropped, to be computed anew


@dataclass(frozen=True, slots=True)
class Reading:
    """A page of one replica, asked for and answered at these monotonic times (ns)."""

    asked_ns: int
    answered_ns: int
    engines: tuple[EngineReading, ...]
    boot: float = 0.0  # when the engine's process started (s since the epoch); 0 where it does not say
    counters: bool = True  # false: only `running` is to be used (a light sample)

    @property
    def at_ns(self) -> int:
        """The time the figures stand for."""
        return (self.asked_ns + self.answered_ns) // 2

    @property
    def busy(self) -> float:
        """The share of the engines that run something, 0..1. One asleep runs nothing, whatever its gauge still says."""
        if not self.engines:
            return 0.0
        return sum(engine.running > 0 and not engine.asleep for engine in self.engines) / len(self.engines)
