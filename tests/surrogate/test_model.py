"""Invariances of the three stages. Shapes as in `prerank.surrogate.model`."""

from __future__ import annotations

import torch
from torch import Tensor

from prerank.surrogate.attention import Memory
from prerank.surrogate.codec import LENGTH, encode
from prerank.surrogate.inference import Inference
from prerank.surrogate.problem import Problem


def read(inference: Inference, context: str, texts: list[str]) -> Memory:
    (memory,) = inference._read(Problem(context, "m"), texts)
    return memory


@torch.inference_mode()
def scores(inference: Inference, memory: Memory, metrics: list[str]) -> Tensor:
    """Scores of the first and the last token of every number, (n, K, tokens)."""
    embedded = inference._metrics(metrics).expand(memory.mask.shape[0], -1, -1)
    tokens = torch.from_numpy(encode([3.14] * len(metrics))).expand(memory.mask.shape[0], -1, -1)
    parts = inference.model(embedded, tokens, memory)
    return torch.cat([parts[0], parts[-1]], dim=1).unflatten(0, (-1, len(metrics)))


def test_candidates_and_padding_do_not_influence_one_another(inference: Inference, texts: list[str]) -> None:
    together = scores(inference, read(inference, "c", texts), ["m"])
    alone = torch.cat([scores(inference, read(inference, "c", [text]), ["m"]) for text in texts])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_the_context_and_the_candidate_are_read(inference: Inference) -> None:
    one = scores(inference, read(inference, "c", ["a b"]), ["m"])
    assert not torch.allclose(one, scores(inference, read(inference, "d", ["a b"]), ["m"]))
    assert not torch.allclose(one, scores(inference, read(inference, "c", ["b a"]), ["m"]))
    assert not torch.allclose(one, scores(inference, read(inference, "c", ["a b"]), ["n"]))


def test_metrics_asked_together_equal_metrics_asked_alone(inference: Inference, texts: list[str]) -> None:
    memory, metrics = read(inference, "c", texts), ["latency_ms pixel 3", "params", "latency_ms pixel 4"]
    together = scores(inference, memory, metrics)
    alone = torch.cat([scores(inference, memory, [metric]) for metric in metrics], dim=1)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_words_of_a_metric_have_an_order(inference: Inference) -> None:
    memory = read(inference, "c", ["a"])
    one, other = (scores(inference, memory, [metric]) for metric in ("pixel 3 batch 4", "pixel 4 batch 3"))
    assert not torch.allclose(one, other)


@torch.inference_mode()
def test_contexts_of_one_batch_equal_contexts_alone(inference: Inference) -> None:
    words = inference.tokenizer(["c one", "d", "a b", "b", "a b", "b"], 8)
    model, pieces, index = inference.model, torch.from_numpy(words.pieces), torch.from_numpy(words.index)
    candidates = model.read_candidates(model.words(pieces), index[2:], model.encode(pieces, index[:2]))
    together = scores(inference, candidates, ["m"])
    alone = torch.cat([scores(inference, read(inference, context, ["a b", "b"]), ["m"]) for context in ("c one", "d")])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_writing_onto_a_cache_equals_writing_at_once(inference: Inference, texts: list[str]) -> None:
    model, memory = inference.model, read(inference, "c", texts)
    metric = inference._metrics(["m"]).expand(len(texts), 1, -1)
    tokens = torch.from_numpy(encode([0.95, 1e9, -3.0, 0.5, 7.25]))
    at_once = model(metric, tokens[:, None], memory)
    inputs, past = torch.cat([metric, model.tokens(tokens[:, :-1])], dim=1), None
    for position in range(LENGTH):
        seen = torch.ones(1, position + 1, dtype=torch.bool)
        states, past = model.write(inputs[:, position : position + 1], seen, memory, past)
        torch.testing.assert_close(model.logits(states[:, 0], position), at_once[position], rtol=1e-4, atol=1e-5)
