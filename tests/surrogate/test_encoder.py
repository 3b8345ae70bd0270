"""A pretrained encoder in the small one's place: here one with random weights, that tells short texts apart."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    T5Gemma2Config,
    T5Gemma2Model,
    T5GemmaConfig,
    T5GemmaModel,
    T5GemmaModuleConfig,
)

from prerank.surrogate import Problem, RLMSurrogate, Row, Training
from prerank.surrogate.backends import EncoderNotFoundError
from prerank.surrogate.encoder import PretrainedEncoder
from prerank.surrogate.tokenizer import TruncationWarning

PROBLEM = Problem("c a", "m")
TEXTS = ["a b", "b " * 300 + "a", "b", "b " * 300 + "b"]
SHAPE: dict[str, Any] = {
    "vocab_size": 260,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


def t5gemma() -> Any:
    module = T5GemmaModuleConfig(**SHAPE)
    return T5GemmaModel(T5GemmaConfig(encoder=module, decoder=module))


def t5gemma2() -> Any:
    encoder = {"text_config": SHAPE, "vision_config": VISION, "mm_tokens_per_image": 4}
    return T5Gemma2Model(T5Gemma2Config(encoder=encoder, decoder=SHAPE))


@pytest.fixture(params=[t5gemma, t5gemma2], ids=["T5Gemma", "T5Gemma-2"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        request.param().save_pretrained(tmp_path / "encoder")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces: Any = Tokenizer(models.BPE(vocab={"<pad>": 0} | {c: n + 1 for n, c in enumerate(letters)}, merges=[]))
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=pieces, pad_token="<pad>").save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def untrained(folder: Path, frozen: bool) -> RLMSurrogate:
    sizes: dict[str, Any] = {"width": 16, "heads": 2, "reader_layers": 1, "writer_layers": 1}
    return RLMSurrogate.untrained(["a b c m"], vocabulary=270, encoder=folder, frozen=frozen, **sizes)


def rows(count: int) -> list[Row]:
    """Half of the texts are long; the first word of the context, or of the text's end, tells the value."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(1, 5, count).tolist()
    texts = ["b " * (300 if place % 2 else 2) + "a " * number for place, number in enumerate(numbers)]
    return [Row("c a", (text,), {"m": float(number)}) for text, number in zip(texts, numbers, strict=True)]


def fitted(folder: Path, frozen: bool) -> RLMSurrogate:
    surrogate = untrained(folder, frozen)
    surrogate.fit(rows(12), Training(8, candidates=8, rate=0.02, adam_rate=0.01, encoder_rate=0.01))
    return surrogate


def encoder_of(surrogate: RLMSurrogate) -> PretrainedEncoder:
    encoder = surrogate._inference.model.encoder
    assert isinstance(encoder, PretrainedEncoder)
    return encoder


def weights(surrogate: RLMSurrogate) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in encoder_of(surrogate)._encoder[0].parameters()])


@pytest.mark.parametrize("frozen", [True, False])
def test_training_changes_the_encoder_only_if_it_may(folder: Path, frozen: bool) -> None:
    before, after = untrained(folder, frozen), fitted(folder, frozen)
    assert torch.equal(weights(before), weights(after)) == frozen
    assert not torch.equal(encoder_of(before).project.weight, encoder_of(after).project.weight)
    names = after._inference.model.state_dict()
    assert any(name.startswith("encoder.trained") for name in names) != frozen
    assert not any("vision" in name for name in names)


@pytest.mark.parametrize("frozen", [True, False])
def test_it_survives_saving_and_copying(folder: Path, frozen: bool, tmp_path: Path) -> None:
    surrogate = fitted(folder, frozen)
    surrogate.save(tmp_path / "checkpoint")
    description = json.loads((tmp_path / "checkpoint" / "checkpoint.json").read_text())["encoder"]
    assert (description["name"], description["frozen"]) == (str(folder), frozen)
    assert description["config"]["model_type"].startswith("t5gemma")
    expected = surrogate.predict(PROBLEM, TEXTS).mean
    for other in (RLMSurrogate.load(tmp_path / "checkpoint"), pickle.loads(pickle.dumps(surrogate))):
        np.testing.assert_allclose(other.predict(PROBLEM, TEXTS).mean, expected, rtol=1e-6)


def test_a_trained_encoder_is_read_from_the_checkpoint_and_a_frozen_one_from_its_folder(
    folder: Path, tmp_path: Path
) -> None:
    for frozen in (True, False):
        fitted(folder, frozen).save(tmp_path / str(frozen))
    for file in folder.glob("*.safetensors"):
        file.unlink()
    RLMSurrogate.load(tmp_path / "False").predict(PROBLEM, TEXTS)
    with pytest.raises(EncoderNotFoundError, match=str(folder)):
        RLMSurrogate.load(tmp_path / "True").predict(PROBLEM, TEXTS)


def test_the_context_and_all_words_of_long_texts_are_read(folder: Path) -> None:
    surrogate = fitted(folder, frozen=True)
    answers = surrogate.predict(PROBLEM, TEXTS).mean
    assert answers[1] != answers[3]
    assert answers[0] != surrogate.predict(Problem("c b", "m"), TEXTS).mean[0]
    np.testing.assert_allclose(answers[::-1], surrogate.predict(PROBLEM, TEXTS[::-1]).mean, rtol=1e-4)
    alone = [surrogate.predict(PROBLEM, [text]).mean[0] for text in TEXTS]
    np.testing.assert_allclose(answers, alone, rtol=1e-4)


def test_a_context_is_cut_where_the_tokens_of_the_encoder_end(folder: Path) -> None:
    with pytest.warns(TruncationWarning, match="1 of 1 texts exceed 512"):
        untrained(folder, frozen=True).predict(Problem("a" * 600, "m"), ["a"])


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        untrained(tmp_path / "nowhere", frozen=True)
