"""The yardstick of the learning curve: plain hashed words and a ridge, as anybody would begin."""

import re
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np

from routers.complexity.conversation import last_tasks
from routers.complexity.example import Example
from routers.complexity.train import Floats, Ints

_BUCKETS: Final = 1 << 17
_words = re.compile(r"\w+").findall
PENALTIES: Final = (1.0, 3.0, 10.0)  # of which the yardstick is given the one that serves it best


def hashed(examples: Sequence[Example]) -> list[Ints]:
    """The buckets of each example's words, each once."""
    return [
        np.array(
            sorted({crc32(word.encode()) % _BUCKETS for word in _words(_text(example).lower())}), np.int64
        )
        for example in examples
    ]


def ridge(train: Sequence[Ints], gain: Floats, rest: Sequence[Ints], penalty: float) -> Floats:
    """Raw scores of the rest, after a ridge on the train rows' words."""
    used = np.unique(np.concatenate(train))
    rows = np.zeros((len(train), len(used)), np.float32)
    for at, buckets in enumerate(train):
        rows[at, np.searchsorted(used, buckets)] = 1 / np.sqrt(max(len(buckets), 1))
    kernel = (rows @ rows.T).astype(np.float64) + penalty * np.eye(len(train))
    pulls = np.zeros(_BUCKETS)
    pulls[used] = rows.T @ np.linalg.solve(kernel, gain - gain.mean())
    return np.array([pulls[buckets].sum() / np.sqrt(max(len(buckets), 1)) for buckets in rest])


def _text(example: Example) -> str:
    return last_tasks(example.conversation)[0].text
