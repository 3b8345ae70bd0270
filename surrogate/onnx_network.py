"""The model as onnxruntime runs it, without torch; see `network`.

Shapes as there. A memory is a list of arrays: keys and values of each layer in turn, then the mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codec import GRAMMAR, HEADS
from .network import Bools, Floats, Ids, Rows

Array = NDArray[Any]
Memory = list[Array]

GRAPHS = ("words", "encode", "read", "embed", "write")


class OnnxNetwork:
    """A model on one thread of the processor.

    Args:
        weights: File of its weights, beside which `onnx_export.export` wrote its graphs.
    """

    def __init__(self, weights: Path) -> None:
        self._graphs = {name: _Graph(graph_file(weights, name)) for name in GRAPHS}

    @property
    def tokenizer(self) -> None:
        """Pretrained encoders, which have one, do not run here."""
        return None

    def words(self, pieces: Ids) -> Array:
        return self._graphs["words"](pieces)[0]

    def encode(self, pieces: Ids, index: Ids) -> Memory:
        return self._graphs["encode"](self.words(pieces), index)

    def read(self, words: Array, index: Ids, contexts: Iterable[tuple[Rows, Memory]]) -> Memory:
        parts = [(rows, self._graphs["read"](words, index[rows], *context)) for rows, context in contexts]
        if len(parts) == 1:
            return parts[0][1]
        order = np.concatenate([rows for rows, _ in parts]).argsort()
        return [np.concatenate(arrays)[order] for arrays in zip(*(memory for _, memory in parts), strict=True)]

    def embed(self, words: Array, index: Ids) -> Array:
        return self._graphs["embed"](words, index)[0]

    def write(self, metrics: Array, candidates: Memory) -> OnnxWriter:
        return OnnxWriter(self._graphs["write"], metrics, candidates)


class OnnxWriter:
    """Numbers of candidates in the making.

    Args:
        graph: One pass of the writer.
        metrics: Embedded metrics, (M, D).
        candidates: What the reader made of n candidates.
    """

    def __init__(self, graph: _Graph, metrics: Array, candidates: Memory) -> None:
        self._graph, self._metrics, self._candidates = graph, metrics, candidates
        keys = candidates[0]
        nothing = np.empty((len(keys), keys.shape[1], 0, keys.shape[3]), dtype=keys.dtype)
        self._past = [nothing] * (len(candidates) - 1)
        self._position = 0

    def start(self, allowed: Bools, first: int = 0) -> tuple[Floats, Floats]:
        count, (size, width) = len(self._candidates[0]), self._metrics.shape
        metrics = np.broadcast_to(self._metrics, (count, size, width))
        heads = first + np.flatnonzero(allowed[:, first:].any(axis=0))  # the others' scores would not count
        states, scores = self._write(metrics, np.empty((count, 0), np.int64), np.eye(size, dtype=np.bool_), heads)
        probability = np.zeros((count, size, HEADS - first))
        probability[..., heads - first] = _softmax(np.where(allowed[:, heads], scores, -1e4))
        return probability, states.astype(np.float64)

    def grow(self, tokens: Ids, visible: Bools, first: int = 0) -> Floats:
        self._position += 1
        nothing = np.empty((len(tokens), 0, self._metrics.shape[1]), dtype=self._metrics.dtype)
        digits = np.arange(GRAMMAR[self._position].start + first, GRAMMAR[self._position].stop)
        return _softmax(self._write(nothing, tokens, visible[:, None], digits)[1])

    def of(self, rows: Rows) -> OnnxWriter:
        if len(rows) == len(self._candidates[0]):
            return self
        some = OnnxWriter(self._graph, self._metrics, [array[rows] for array in self._candidates])
        some._past, some._position = [past[rows] for past in self._past], self._position
        return some

    def _write(self, metrics: Array, tokens: Ids, visible: Bools, allowed: Ids) -> tuple[Array, Array]:
        """States and scores of what is written."""
        visible = visible.reshape(-1, 1, *visible.shape[-2:])
        inputs = (metrics, tokens, visible, allowed, *self._candidates, *self._past)
        states, scores, *self._past = self._graph(*inputs)
        return states, scores


class _Graph:
    """A graph that is called with arrays in the order of its inputs."""

    def __init__(self, file: Path) -> None:
        import onnxruntime

        runtime: Any = onnxruntime
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1  # a pool for each graph would fight with the others and a search's workers
        self._session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._names = [entry.name for entry in self._session.get_inputs()]

    def __call__(self, *arrays: Array) -> list[Array]:
        return self._session.run(None, dict(zip(self._names, map(np.ascontiguousarray, arrays), strict=True)))


def graph_file(weights: Path, name: str) -> Path:
    """Where a graph of a model lies, whose weights lie there."""
    return weights.with_suffix(f".{name}.onnx")


def _softmax(scores: Array) -> Floats:
    exponential = np.exp((scores - scores.max(axis=-1, keepdims=True)).astype(np.float64))
    return exponential / exponential.sum(axis=-1, keepdims=True)
