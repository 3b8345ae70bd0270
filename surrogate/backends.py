"""What runs a checkpoint's model: torch, or onnxruntime, which starts in a tenth of the time and without torch.

onnxruntime reads graphs that lie beside the weights. The first use writes them, and one that finds them damaged, which
alone takes torch and onnx.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from .network import Network

if TYPE_CHECKING:
    from .encoder import PretrainedEncoder
    from .model import RLM

Backend = Literal["torch", "onnxruntime"]
_REMEDY = 'or load with backend="torch"'


class EncoderNotFoundError(OSError):
    """The pretrained encoder that a checkpoint reads contexts with cannot be read."""


def usual(path: Path, description: dict[str, Any], device: str) -> Backend:
    """What runs a checkpoint where nobody says: onnxruntime where it is installed and the graphs lie there."""
    runs = device == "cpu" and not description.get("encoder") and _written(path, description)
    return "onnxruntime" if runs and find_spec("onnxruntime") else "torch"


def check(path: Path, description: dict[str, Any], device: str, backend: str) -> None:
    """See that a backend is there and runs a checkpoint, as far as that can be told without its weights.

    Raises:
        ModuleNotFoundError: If it, or what it needs for the first use, is not installed.
        PermissionError: If its graphs are still to be written and cannot be.
        ValueError: If there is no such backend, or it does not run this model or on this device.
    """
    if backend not in get_args(Backend):
        raise ValueError(f"backend is {backend!r}; it must be one of {', '.join(get_args(Backend))}")
    if backend == "torch":
        return
    if device != "cpu":
        raise ValueError(f"device is {device!r}, but onnxruntime runs on the cpu here; leave it out, {_REMEDY}")
    if description.get("encoder"):
        name = description["encoder"]["name"]
        raise ValueError(f'the pretrained encoder {name} does not run on onnxruntime; load with backend="torch"')
    missing = [] if (written := _written(path, description)) else ["onnx"]
    for package in ["onnxruntime", *missing]:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"{package} is not installed; pip install 'prerank[onnx]', {_REMEDY}")
    if not written and not os.access(_file(path, description).parent, os.W_OK):
        raise PermissionError(f"the graphs for onnxruntime cannot be written to {path}; make it writable, {_REMEDY}")


def check_device(device: str) -> None:
    """See that torch has a device, which it is loaded for.

    Raises:
        ValueError: If it has not.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch that was built without CUDA
        said = str(error).partition("\n")[0]
        raise ValueError(f"device is {device!r}, but torch has no such device here ({said}); use cpu") from error


def on_torch(description: dict[str, Any], weights: bytes, device: str) -> Network:
    """The model of a checkpoint, with its weights, on a device."""
    import torch

    from .torch_network import TorchNetwork

    model = _model(description, weights)
    try:
        return TorchNetwork(model.to(device))
    except torch.OutOfMemoryError as error:
        raise MemoryError(f"the model does not fit on {device} ({error}); free memory there or use cpu") from error


def on_onnxruntime(description: dict[str, Any], weights: bytes, path: Path) -> Network:
    """The same from the graphs beside the weights, which are written if they are missing or damaged."""
    from .onnx_network import OnnxNetwork

    file = _file(path, description)
    if _written(path, description):
        try:
            return OnnxNetwork(file)
        except ImportError:
            raise
        except Exception:  # onnxruntime raises classes of its own; if new graphs do not open either, they are named
            pass
    from .onnx_export import export

    export(_model(description, weights), file)
    return OnnxNetwork(file)


def _model(description: dict[str, Any], weights: bytes) -> RLM:
    import torch
    from safetensors.torch import load as from_bytes

    from .model import RLM
    from .seeds import seeded

    shape, encoder = description["shape"], description.get("encoder")  # those without one may not say so
    with seeded(0, torch.device("cpu")):  # the first weights are random: the user's generator must not notice
        pretrained = _encoder(encoder, shape["width"]) if encoder else None
        model = RLM(**shape, encoder=pretrained).float()  # the user's default may be another type
    model.load_state_dict(from_bytes(weights))
    return model


def _encoder(encoder: dict[str, Any], width: int) -> PretrainedEncoder:
    from .encoder import PretrainedEncoder

    try:
        return PretrainedEncoder(**encoder, width=width)
    except OSError as error:
        said = f"the encoder {encoder['name']!r} cannot be read ({error}); put it where it was"
        raise EncoderNotFoundError(said) from error


def _written(path: Path, description: dict[str, Any]) -> bool:
    from .onnx_network import GRAPHS, graph_file

    return all(graph_file(_file(path, description), name).exists() for name in GRAPHS)


def _file(path: Path, description: dict[str, Any]) -> Path:
    """The file of the weights itself: onnxruntime follows no link out of a graph's folder."""
    return (path / description["weights"]).resolve()
