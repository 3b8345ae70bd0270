"""Who may import whom: integrations -> surrogate, integrations -> search_spaces, nothing else among the three."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("surrogate", "search_spaces", "integrations")
FILES = {path.stem for path in (ROOT / "integrations").glob("*.py")} - {"__init__"}
HOSTS = {stem for stem in FILES if not any(stem.startswith(f"{other}_") for other in FILES)}
LIBRARY = [path.relative_to(ROOT).as_posix() for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]

# Beyond the standard library; what is not listed is not allowed. Integrations are free, but for each other's hosts.
THIRD_PARTY = {
    "surrogate": {"numpy", "scipy", "torch", "transformers", "tokenizers", "safetensors", "tqdm", "accelerate"}
    | {"sklearn", "onnx", "onnxruntime"},
    "search_spaces": {"numpy", "networkx", "onnx", "google"},  # google.protobuf, whose errors onnx raises
}

FRONT = "command_line"  # the one integration that leads to the others


def imports(source: str, package: str) -> Iterator[tuple[str, bool]]:
    """(absolute dotted name, whether it was written relatively), at any depth of the file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: 1 - node.level or None] if node.level else []
            base = [*parents, node.module] if node.module else parents
            yield from ((".".join([*base, alias.name]), node.level > 0) for alias in node.names)


def violations(path: str, source: str, hosts: set[str] = HOSTS) -> list[str]:
    file = Path(path)
    layer, package = file.parts[0], ".".join(["prerank", *file.parent.parts])
    return [
        name
        for name, relative in imports(source, package)
        if not (allowed_inside if relative else allowed_outside)(layer, file.stem, name, hosts)
    ]


def host_of(module: str, hosts: set[str]) -> str:
    """The host that a file of integrations belongs to: `triton` has triton_cache.py too."""
    return next((host for host in hosts if module == host or module.startswith(f"{host}_")), module)


def allowed_inside(layer: str, module: str, name: str, hosts: set[str]) -> bool:
    _, folder, *rest = name.split(".")
    if folder != layer:
        return layer == "integrations" and folder in LAYERS
    return layer != "integrations" or not rest or host_of(module, hosts) in (FRONT, host_of(rest[0], hosts))


def allowed_outside(layer: str, module: str, name: str, hosts: set[str]) -> bool:
    top = name.partition(".")[0]
    if top in {"prerank", *LAYERS}:  # across folders, imports are relative; a bare folder name is somebody else's
        return False
    if layer == "integrations":
        return top == host_of(module, hosts) or top not in hosts
    return top in sys.stdlib_module_names or top in THIRD_PARTY[layer]


@pytest.mark.parametrize("path", LIBRARY)
def test_file_keeps_to_its_layer(path: str) -> None:
    assert violations(path, (ROOT / path).read_text(encoding="utf-8")) == []


def test_every_layer_has_files() -> None:
    assert {path.split("/")[0] for path in LIBRARY} == set(LAYERS)


def test_root_imports_nothing() -> None:
    assert list(imports((ROOT / "__init__.py").read_text(encoding="utf-8"), "prerank")) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("surrogate/model.py", "from ..search_spaces import nas_bench_101"),
        ("surrogate/model.py", "from .. import search_spaces"),
        ("surrogate/model.py", "import prerank.search_spaces"),
        ("surrogate/model.py", "from prerank.surrogate import rank"),
        ("surrogate/model.py", "import search_spaces.nas_bench_101"),
        ("surrogate/model.py", "def late():\n    from ..integrations import optuna"),
        ("surrogate/model.py", "import optuna"),
        ("search_spaces/nas_bench_101.py", "from ..surrogate import Problem"),
        ("search_spaces/nas_bench_101.py", "def late():\n    import torch"),
        ("integrations/optuna.py", "from prerank.surrogate import rank"),
        ("integrations/optuna.py", "from surrogate import rank"),
        ("integrations/optuna.py", "from . import triton"),
        ("integrations/optuna.py", "from .triton import rlm_prune"),
        ("integrations/optuna.py", "import triton.language"),
        ("integrations/optuna_texts.py", "from .triton_cache import Cache"),
        ("integrations/optuna.py", "from .command_line import app"),
        ("integrations/optuna.py", "from ..examples import search"),
    ],
)
def test_forbidden_import_is_seen(path: str, source: str) -> None:
    assert len(violations(path, source, {"optuna", "triton", "command_line"})) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("surrogate/model.py", "import torch\nfrom .codec import decode\nfrom . import codec"),
        ("search_spaces/nas_bench_101.py", "import networkx as nx\nfrom numpy.random import Generator"),
        ("integrations/optuna.py", "import optuna\nfrom ..surrogate import rank\nfrom ..search_spaces import ofa"),
        ("integrations/triton.py", "from .triton_cache import Cache"),
        ("integrations/triton_cache.py", "import triton"),
        ("integrations/command_line_texts.py", "from .triton import rlm_prune"),
    ],
)
def test_permitted_import_passes(path: str, source: str) -> None:
    assert violations(path, source, {"optuna", "triton", "command_line"}) == []
