"""The model as ONNX graphs, one for each question that `network` asks.

The graphs lie beside the weights and hold none of them: their parameters are external data of the safetensors file,
which keeps the bytes of a tensor together, as ONNX wants them.
"""

from __future__ import annotations

import copy
import io
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .atomic import write_whole
from .attention import KeysValues, Memory
from .encoder import PretrainedEncoder
from .model import RLM
from .onnx_network import graph_file
from .seeds import seeded
from .tokenizer import PLACES

_OPSET = 17
_Example = tuple[Tensor, tuple[int, ...]]
"""A tensor to trace with, and its axes of open size."""


def export(model: RLM, weights: Path) -> None:
    """Write the graphs of a model beside its weights.

    Args:
        model: The language model, on the CPU.
        weights: File of its weights, as `checkpoint.save` writes it.

    Raises:
        ValueError: If the model has a pretrained encoder.
        OSError: If nothing can be written there.
    """
    if isinstance(model.encoder, PretrainedEncoder):
        raise ValueError('a pretrained encoder does not run on onnxruntime; load with backend="torch"')
    offsets = _offsets(weights)
    with seeded(0, torch.device("cpu")):  # the examples are random
        for name, graph, examples in _graphs(_plain(copy.deepcopy(model).eval())):
            write_whole(graph_file(weights, name), _linked(_exported(graph, examples), weights.name, offsets))


class _Graph(nn.Module):
    """A function of a model and tensors."""

    def __init__(self, model: nn.Module, function: Callable[..., list[Tensor]]) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *tensors: Tensor) -> list[Tensor]:
        return self.function(self.model, *tensors)


class _PlainNorm(nn.Module):
    """`nn.RMSNorm` in operations that every opset has."""

    def __init__(self, norm: nn.RMSNorm) -> None:
        super().__init__()
        self.weight = norm.weight
        self.eps = norm.eps if norm.eps is not None else torch.finfo(norm.weight.dtype).eps

    def forward(self, x: Tensor) -> Tensor:
        return x / torch.sqrt(x.pow(2).mean(dim=-1, keepdim=True) + self.eps) * self.weight


def _plain(module: Any) -> Any:
    """A model whose norms can be exported."""
    for name, child in module.named_children():
        setattr(module, name, _PlainNorm(child) if isinstance(child, nn.RMSNorm) else _plain(child))
    return module


def _graphs(model: RLM) -> Iterator[tuple[str, _Graph, list[_Example]]]:
    """Name, graph and examples of everything that is asked."""
    pieces = torch.randint(0, 20, (5, PLACES)), (0,)
    yield "words", _Graph(model.words, _words), [pieces]
    model.words = nn.Identity()  # type: ignore[assignment]  # the others are given words that are embedded
    words = torch.randn(5, _size(model, "width"), dtype=torch.float32), (0,)
    yield "encode", _Graph(model, _encode), [words, _index(2, 3)]
    yield "embed", _Graph(model, _embed), [words, _index(2, 3)]
    yield "read", _Graph(model, _read), [words, _index(6, 4), *_memory(model, _size(model, "reader_layers"), 2, 3)]
    yield "write", _Graph(model, _write), _written(model)


def _index(rows: int, length: int) -> _Example:
    return torch.randint(1, 5, (rows, length)), (0, 1)


def _memory(model: RLM, layers: int, rows: int, length: int) -> list[_Example]:
    """Keys and values of each layer, and the mask."""
    mask = torch.ones(rows, 1, 1, length, dtype=torch.bool), (0, 3)
    return [*_keys_values(model, layers, rows, length), mask]


def _keys_values(model: RLM, layers: int, rows: int, length: int) -> list[_Example]:
    heads = _size(model, "heads")
    shape = rows, heads, length, _size(model, "width") // heads
    return [(torch.randn(shape, dtype=torch.float32), (0, 2)) for _ in range(2 * layers)]


def _written(model: RLM) -> list[_Example]:
    """Two metrics and a token in each of three rows, after four positions."""
    layers = _size(model, "writer_layers")
    metrics = torch.randn(3, 2, _size(model, "width"), dtype=torch.float32), (0, 1)
    visible = torch.ones(3, 1, 3, 7, dtype=torch.bool), (0, 2, 3)
    allowed = torch.arange(6), (0,)
    memory, past = _memory(model, layers, 3, 5), _keys_values(model, layers, 3, 4)
    return [metrics, _index(3, 1), visible, allowed, *memory, *past]


def _size(model: RLM, name: str) -> int:
    size: Any = model.shape[name]
    return size


def _words(words: nn.Module, pieces: Tensor) -> list[Tensor]:
    return [words(pieces)]


def _encode(model: RLM, words: Tensor, index: Tensor) -> list[Tensor]:
    return _flat(model.encode(words, index))


def _embed(model: RLM, words: Tensor, index: Tensor) -> list[Tensor]:
    return [model.embed_metrics(words, index)]


def _read(model: RLM, words: Tensor, index: Tensor, *context: Tensor) -> list[Tensor]:
    return _flat(model.read_candidates(words, index, Memory(_layers(context[:-1]), context[-1])))


def _write(
    model: RLM, metrics: Tensor, tokens: Tensor, visible: Tensor, allowed: Tensor, *memory: Tensor
) -> list[Tensor]:
    """States of the metrics and tokens, scores of the tokens allowed after them, keys and values for what follows."""
    count = 2 * len(model.writer)
    candidates, past = Memory(_layers(memory[:count]), memory[count]), _layers(memory[count + 1 :])
    x = torch.cat([metrics, model.tokens(tokens)], dim=1)
    states, cache = model.write(x, visible, candidates, past)
    scores = F.linear(states, model.output.weight[allowed], model.output.bias[allowed])
    return [states, scores, *(tensor for layer in cache for tensor in layer)]


def _layers(tensors: Sequence[Tensor]) -> list[KeysValues]:
    return [KeysValues(*pair) for pair in zip(tensors[::2], tensors[1::2], strict=True)]


def _flat(memory: Memory) -> list[Tensor]:
    return [*(tensor for layer in memory.layers for tensor in layer), memory.mask]


def _exported(graph: _Graph, examples: Sequence[_Example]) -> bytes:
    """The graph as traced, with its parameters in it."""
    names = [f"input_{number}" for number in range(len(examples))]
    axes = {name: {axis: f"{name}_{axis}" for axis in open_} for name, (_, open_) in zip(names, examples, strict=True)}
    file: Any = io.BytesIO()  # which torch accepts and does not declare
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # of what tracing makes constant, all is constant
        torch.onnx.export(
            graph,
            tuple(tensor for tensor, _ in examples),
            file,
            input_names=names,
            dynamic_axes=axes,
            opset_version=_OPSET,
            do_constant_folding=False,  # parameters keep their names and their bytes
            dynamo=False,
        )
    return file.getvalue()


def _linked(content: bytes, weights: str, offsets: dict[str, tuple[int, int]]) -> bytes:
    """The graph with its parameters in the file of the weights."""
    import onnx

    proto = onnx.load_from_string(content)
    for parameter in proto.graph.initializer:
        offset, length = offsets[_name(parameter.name, offsets)]
        parameter.ClearField("raw_data")
        parameter.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", weights), ("offset", str(offset)), ("length", str(length))):
            parameter.external_data.add(key=key, value=value)
    for output in proto.graph.output:  # their sizes are those of the examples
        output.type.tensor_type.ClearField("shape")
    return proto.SerializeToString()


def _name(parameter: str, offsets: dict[str, tuple[int, int]]) -> str:
    """Name of a parameter among the weights; the embedding of words is a graph of its own."""
    name = parameter.removeprefix("model.")
    return name if name in offsets else f"words.{name}"


def _offsets(weights: Path) -> dict[str, tuple[int, int]]:
    """Where the bytes of each tensor begin in a safetensors file, and how many there are."""
    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(size))
    spans = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    return {name: (8 + size + begin, end - begin) for name, (begin, end) in spans.items()}
