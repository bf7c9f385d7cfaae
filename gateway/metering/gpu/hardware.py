"""A first guess at what an engine's doings cost: the model's `config.json` against the GPU's data sheet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.metering.gpu.facts import Coefficients


@dataclass(frozen=True, slots=True)
class Gpu:
    """Peak dense 16-bit arithmetic and memory bandwidth, per GPU."""

    tflops: float
    gb_per_second: float


# NVIDIA and AMD data sheets as published up to 2025-06; dense figures (half of those "with sparsity").
GPUS: Final[Mapping[str, Gpu]] = {
    "T4": Gpu(65, 320),  # T4 data sheet, 2019-03
    "V100": Gpu(125, 900),  # V100 data sheet, 2020-01 (SXM2)
    "A10": Gpu(125, 600),  # A10 data sheet, 2021-04
    "A10G": Gpu(70, 600),  # AWS g5 instance page, 2021-11
    "A100": Gpu(312, 2039),  # A100 80GB SXM data sheet, 2021-06
    "A100-40GB": Gpu(312, 1555),  # A100 40GB SXM data sheet, 2020-11
    "L4": Gpu(121, 300),  # L4 data sheet, 2023-03
    "L40S": Gpu(362, 864),  # L40S data sheet, 2023-08
    "RTX4090": Gpu(165, 1008),  # Ada architecture whitepaper, 2022-11
    "H100": Gpu(989, 3350),  # H100 SXM data sheet, 2023-03
    "H100-PCIE": Gpu(756, 2000),  # H100 PCIe data sheet, 2023-03
    "H100-NVL": Gpu(835, 3900),  # H100 NVL data sheet, 2024-03
    "H200": Gpu(989, 4800),  # H200 SXM data sheet, 2023-11
    "B200": Gpu(2250, 8000),  # HGX B200 data sheet, 2024-11
    "MI300X": Gpu(1307, 5300),  # MI300X data sheet, 2023-12
}
_ARITHMETIC: Final = 0.5  # of its peak a well-fed engine reaches
_ATTENTION: Final = (
    0.35  # so does attention over a prompt, in kernels of the usual kind: matrices keep it busier
)
_MEMORY: Final = 0.75
_OVERHEAD: Final = 0.002  # seconds a step costs whatever it does: scheduling, launches, sampling


@dataclass(frozen=True, slots=True)
class Model:
    """The facts of a model that its costs follow from."""

    parameters: float  # all that are kept in memory
    active: float  # those one token passes through (fewer in a mixture of experts)
    kv_bytes: float  # of one token of context, all layers
    attention: float  # share by which a token of context makes a prompt token dearer
    weight_bytes: float  # of one parameter


def named(name: str) -> Gpu | None:
    """The GPU of that name, short (`H100`) or as drivers have it (`NVIDIA H100 80GB HBM3`); None: not known."""
    words = set(name.upper().replace("_", "-").replace(" ", "-").split("-"))
    fitting = [key for key in GPUS if words.issuperset(key.split("-"))]
    return GPUS[max(fitting, key=len)] if fitting else None


def model(config: Mapping[str, object]) -> Model:
    """From the `config.json` of a decoder-only transformer. Raises KeyError where a size is missing."""
    text = config.get("text_config", config)  # multimodal models keep the language model's sizes in there
    sizes = text if isinstance(text, Mapping) else config
    hidden, layers = _number(sizes, "hidden_size"), _number(sizes, "num_hidden_layers")
    heads = _number(sizes, "num_attention_heads")
    kv_heads = _number(sizes, "num_key_value_heads", heads)
    head = _number(sizes, "head_dim", hidden / heads)
    experts = _number(
        sizes, "num_local_experts", _number(sizes, "num_experts", _number(sizes, "n_routed_experts", 1))
    )
    chosen = _number(sizes, "num_experts_per_tok", 1)
    expert = 3 * hidden * _number(sizes, "moe_intermediate_size", _number(sizes, "intermediate_size"))
    shared = layers * hidden * head * (2 * heads + 2 * kv_heads)
    embedding = _number(sizes, "vocab_size") * hidden
    tied = bool(sizes.get("tie_word_embeddings", False))
    active = shared + layers * expert * min(chosen, experts) + embedding
    quantised = "quantization_config" in config
    return Model(
        parameters=shared + layers * expert * experts + embedding * (1 if tied else 2),
        active=active,
        kv_bytes=2 * layers * kv_heads * head * 2,
        attention=2 * layers * heads * head / active,
        weight_bytes=1.0 if quantised else 2.0,
    )


def guess(facts: Model, gpu: Gpu, gpus: int) -> Coefficients:
    """Seconds on `gpus` GPUs that share each step (tensor parallel)."""
    bandwidth = gpus * gpu.gb_per_second * 1e9 * _MEMORY
    arithmetic = gpus * gpu.tflops * 1e12 * _ARITHMETIC
    return Coefficients(
        step=_OVERHEAD + facts.parameters * facts.weight_bytes / bandwidth,
        prompt=2 * facts.active / arithmetic,
        context=facts.kv_bytes / bandwidth,
        attention=facts.attention * _ARITHMETIC / _ATTENTION,
    )


# An 8B model of the usual shape on one H100: what is assumed where model or GPU are not known.
NEUTRAL: Final = Coefficients(step=0.0085, prompt=3.2e-5, context=5.2e-8, attention=4.7e-5)


def _number(sizes: Mapping[str, object], key: str, default: float | None = None) -> float:
    value = sizes.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if default is None:
        raise KeyError(key)
    return default
