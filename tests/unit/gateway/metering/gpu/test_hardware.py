"""First guesses from a model's shape and a GPU's data sheet."""

import pytest

from gateway.metering.gpu.hardware import GPUS, guess, model

LLAMA_8B = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
MIXTRAL = LLAMA_8B | {"num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 32000}


def test_a_dense_model_has_the_published_size():
    facts = model(LLAMA_8B)
    assert facts.parameters == pytest.approx(8.03e9, rel=0.01)
    assert facts.kv_bytes == 131_072


def test_a_mixture_of_experts_passes_tokens_through_few_of_them():
    facts = model(MIXTRAL)
    assert facts.parameters == pytest.approx(46.7e9, rel=0.01)
    assert facts.active == pytest.approx(12.9e9, rel=0.02)


def test_a_multimodal_model_is_sized_by_its_language_model():
    assert model({"text_config": LLAMA_8B}) == model(LLAMA_8B)


def test_a_shape_without_sizes_is_refused():
    with pytest.raises(KeyError, match="hidden_size"):
        model({"model_type": "mystery"})


def test_steps_are_bound_by_memory_and_prompts_by_arithmetic():
    facts = model(LLAMA_8B)
    slow, fast = guess(facts, GPUS["H100"], 1), guess(facts, GPUS["H200"], 1)
    assert slow.prompt == fast.prompt
    assert slow.context > fast.context
    assert guess(facts, GPUS["H100"], 4).prompt == pytest.approx(slow.prompt / 4)
