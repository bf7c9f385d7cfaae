"""What a Weir before the real vLLM and its tiny model is told, and what that engine says of itself."""

import re
from typing import Any

from tests.integration.engines import RealVllm
from tests.integration.waiting import until

POLICY = """
site: lab
zones:
  lab: {{inside: true, jurisdiction: EU}}
backends:
  gpu-a: {{kind: vllm, zone: lab, replicas: ["{url}"], gpus: 1, usd_per_gpu_hour: 2.00}}
models:
  tiny: {{backend: gpu-a, upstream: tiny, context: 2048, can: [tools, json_schema]}}
aliases: {{auto: routed}}
routes:
  - {{name: everyday, use: [tiny]}}
"""
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]


def counter(page: str, name: str) -> float:
    """The sum of a counter's series on a metrics page."""
    return sum(
        float(value) for value in re.findall(rf"^{re.escape(name)}{{[^}}]*}} (\S+)$", page, re.MULTILINE)
    )


def settled(vllm: RealVllm) -> None:
    """Wait until the engine runs nothing."""
    until(lambda: counter(vllm.metrics(), "vllm:num_requests_running") == 0)
