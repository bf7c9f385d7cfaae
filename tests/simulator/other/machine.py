"""What a step takes on other terms than `tests.simulator.engine` has: operators one after the other, each with a
roofline of its own, batches padded to captured sizes, collectives between GPUs, sampling by the batch."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CAPTURED: Final = np.array([1, 2, 4, *range(8, 257, 8)], dtype=float)  # batch sizes of recorded graphs


@dataclass(frozen=True)
class Plan:
    """How an engine schedules. `drafts`: tokens guessed for each running request and step, of which a share `hit` is
    right, one after the other."""

    order: Literal["mixed", "prompts first"] = "mixed"
    batch_tokens: int = 2048
    batch_requests: int = 256
    longest_chunk: int = 1 << 30  # of one prompt
    drafts: int = 0
    hit: float = 0.0


@dataclass(frozen=True)
class Hardware:
    """A model on its GPUs; rates are reached ones, of all GPUs together."""

    gpus: int
    parameters: float
    layers: int
    width: int  # heads times head size
    kv_bytes: float  # per token
    matrix_flops: float
    attention_flops: float
    bandwidth: float  # bytes per second, weights
    kv_bandwidth: float  # bytes per second, KV cache
    launch: float  # seconds of a step that was recorded
    eager: float  # seconds more of one that was not
    sampling: float  # seconds for each request that gets a token
    collective: float = 0.0  # seconds of a step between GPUs,
    exchanged: float = 0.0  # and for each token
    softness: float = 4.0  # how sharply arithmetic and memory limit each other
    blocks: int = 24_000

    def cost(self, tokens: Floats, context: Floats, samples: Floats) -> Floats:
        """Seconds of steps of the first 1, 2, 3… of these requests: what each computes, has behind it, and gets."""
        scheduled = np.cumsum(tokens)
        alike = np.cumsum(tokens > 1) == 0  # no prompt is among them
        at = np.minimum(np.searchsorted(_CAPTURED, scheduled), len(_CAPTURED) - 1)
        recorded = alike & (scheduled <= _CAPTURED[-1])
        padded = np.where(recorded, _CAPTURED[at], scheduled)
        weights = 2 * self.parameters / self.bandwidth
        arithmetic = 2 * self.parameters * padded / self.matrix_flops
        matrices = (arithmetic**self.softness + weights**self.softness) ** (1 / self.softness)
        reads = self.kv_bytes * context / self.kv_bandwidth
        scores = 4 * self.layers * self.width * tokens * (context + tokens / 2) / self.attention_flops
        attention = np.cumsum(np.maximum(reads, scores))
        fixed = self.launch + self.collective + np.where(recorded, 0.0, self.eager)
        return np.asarray(
            matrices + attention + fixed + self.exchanged * padded + self.sampling * np.cumsum(samples)
        )


SMALL: Final = Hardware(
    gpus=1,
    parameters=8.03e9,
    layers=32,
    width=4096,
    kv_bytes=131_072,
    matrix_flops=989e12 * 0.42,
    attention_flops=989e12 * 0.22,
    bandwidth=3.35e12 * 0.72,
    kv_bandwidth=3.35e12 * 0.55,
    launch=0.0038,
    eager=0.0022,
    sampling=45e-6,
    blocks=27_000,
)
LARGE: Final = Hardware(
    gpus=4,
    parameters=70.6e9,
    layers=80,
    width=8192,
    kv_bytes=327_680,
    matrix_flops=4 * 989e12 * 0.36,
    attention_flops=4 * 989e12 * 0.2,
    bandwidth=4 * 3.35e12 * 0.62,
    kv_bandwidth=4 * 3.35e12 * 0.5,
    launch=0.0045,
    eager=0.004,
    sampling=60e-6,
    collective=0.0018,
    exchanged=9e-6,
    blocks=30_000,
)
