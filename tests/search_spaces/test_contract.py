"""What every search space promises; a new module with a `sample` needs no more here than a row of its table."""

import json
import pickle
import pkgutil
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, astuple, fields, replace
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank import search_spaces
from prerank.search_spaces import (
    accel_nasbench,
    devices,
    fbnet,
    kernel_configs,
    nas_bench_101,
    nas_bench_201,
    nds,
    ofa,
    onnx_graph,
)

MODULES = [
    import_module(f"{search_spaces.__name__}.{each.name}") for each in pkgutil.iter_modules(search_spaces.__path__)
]
SPACES = [module for module in MODULES if hasattr(module, "sample")]
DIRECTIONS = {
    "val_accuracy": "maximize",
    "throughput": "maximize",
    "latency_ms": "minimize",
    "energy_mj": "minimize",
    "train_seconds": "minimize",
    "slowdown": "minimize",
    "params": "minimize",
    "macs": "minimize",
}
MOST_WORDS = 60

RECORDS: dict[str, Callable[[Any], Any]] = {
    "accel_nasbench": lambda network: {
        f"block{place}_{name}": value
        for place, stage in enumerate(network.stages)
        for name, value in zip(("e", "k", "l", "se"), astuple(stage), strict=True)
    },
    "fbnet": lambda network: list(network.blocks),
    "kernel_configs": lambda config: dict(config.fields),
    "nas_bench_101": lambda cell: {"adjacency": listed(cell.adjacency), "ops": list(cell.ops)},
    "nas_bench_201": lambda cell: "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*cell.ops),
    "nas_bench_graph": lambda architecture: {"link": list(architecture.link), "ops": list(architecture.ops)},
    "nas_bench_macro": lambda network: list(map(int, network.choices)),
    "nds": lambda genotype: {
        "genotype": {
            **{name: [list(side) for block in getattr(genotype, name) for side in block] for name in NDS_CELLS},
            **{f"{name}_concat": [2, 3, 4, 5] for name in NDS_CELLS},
        },
        "width": genotype.width,
        "depth": genotype.depth,
    },
    "ofa": lambda network: {
        "ks": [kernel for stage in network.stages for kernel, _ in (*stage, *[(3, 3)] * (4 - len(stage)))],
        "e": [expansion for stage in network.stages for _, expansion in (*stage, *[(3, 3)] * (4 - len(stage)))],
        "d": list(map(len, network.stages)),
        "r": network.resolution,
    },
}
"""A row of a table that holds a candidate."""
COLUMNS: dict[str, tuple[str, dict[str, Any]]] = {
    "accel_nasbench": ("architecture", {}),
    "fbnet": ("arch", {}),
    "kernel_configs": ("config", {"kernel": "triton_mm", "problem": "m=8"}),
    "nas_bench_201": ("arch", {}),
    "nas_bench_macro": ("arch", {}),
    "nds": ("net", {}),
    "ofa": ("arch", {}),
}
"""Where a whole row of a space's table has it, and what else the row needs; elsewhere its fields are columns."""
NDS_CELLS = ("normal", "reduce")
DEVICES = (
    "",
    "!",
    "A100",
    np.str_("NVIDIA A100-SXM4-40GB"),
    "x" * 5000,
    "デバイス 9",
    "Ünïcode\n\t 7",
    "32",
    "_1",
    "a=b",
)

each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.__name__.rpartition(".")[2])
each_measured = pytest.mark.parametrize(
    "space",
    [module for module in MODULES if hasattr(module, "problem") and "device" in signature(module.problem).parameters],
    ids=lambda space: space.__name__.rpartition(".")[2],
)
seeds = st.integers(0, 2**32 - 1)


def name_of(space: Any) -> str:
    return space.__name__.rpartition(".")[2]


def listed(value: Any) -> Any:
    """Tuples as lists."""
    return [listed(item) for item in value] if isinstance(value, tuple) else value


def disguised(value: Any, number: Callable[[Any], Any]) -> Any:
    """A record whose numbers and switches are of another type."""
    if isinstance(value, dict):
        return {name: disguised(item, number) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [disguised(item, number) for item in value]
    if isinstance(value, bool):
        return np.bool_(value)
    return number(value) if isinstance(value, int) else value


@cache
def drawn(space: Any) -> list[Any]:
    return space.sample(np.random.default_rng(0), 24)


def bag(text: str) -> list[str]:
    """The words of a text in no order, without the positions that they name."""
    return sorted(re.sub(r"<[\d,]+", "<", word) for word in text.split())


def metrics(space: Any) -> dict[str, Any]:
    """The problems of the known metrics that a space has."""
    found: dict[str, Any] = {}
    for metric in DIRECTIONS:
        try:
            found[metric] = space.problem(metric=metric)
        except ValueError:
            continue
    return found


def test_the_spaces_are_found() -> None:
    assert set(map(name_of, SPACES)) == set(RECORDS)


@each_space
@pytest.mark.parametrize("number", [int, float, np.int64, np.float64, np.float32], ids=lambda number: number.__name__)
def test_numbers_of_a_record_may_be_of_any_type(space: Any, number: Callable[[Any], Any]) -> None:
    for candidate in drawn(space)[:4]:
        found = space.from_record(disguised(RECORDS[name_of(space)](candidate), number))
        assert repr(found) == repr(candidate)
        assert space.to_text(found) == space.to_text(candidate)


@each_space
def test_a_whole_row_of_a_table_is_taken(space: Any) -> None:
    for candidate in drawn(space)[:2]:
        record = RECORDS[name_of(space)](candidate)
        column, more = COLUMNS.get(name_of(space), (None, {}))
        row = {"latency_ms_gold": 3.5, "split": "test", **more} | ({column: record} if column else record)
        assert space.from_record(row) == candidate


@pytest.mark.parametrize("space", [accel_nasbench, fbnet, ofa], ids=lambda space: space.__name__.rpartition(".")[2])
def test_the_column_of_a_row_may_be_json(space: Any) -> None:
    candidate = drawn(space)[0]
    row = {COLUMNS[name_of(space)][0]: json.dumps(RECORDS[name_of(space)](candidate))}
    assert space.from_record(row) == space.from_record(json.dumps(row)) == candidate


@pytest.mark.parametrize("name", ["accel_nasbench", "fbnet", "nas_bench_201", "nas_bench_macro", "ofa"])
def test_a_row_of_another_table_is_named(name: str) -> None:
    column = COLUMNS[name][0]
    with pytest.raises(ValueError, match=rf"the record has \['graph', 'ms'\]; give a row with '{column}'"):
        import_module(f"{search_spaces.__name__}.{name}").from_record({"graph": "x", "ms": 3.5})


@each_space
@pytest.mark.parametrize("record", [None, 5.5, "", "junk", "5.5", [], {}, [None]], ids=repr)
def test_what_is_no_record_is_refused(space: Any, record: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        space.from_record(record)


@each_space
@given(seed=seeds)
@settings(max_examples=5, deadline=None)
def test_sample_is_distinct_and_begins_a_longer_one(space: Any, seed: int) -> None:
    shorter, longer = (space.sample(np.random.default_rng(seed), n) for n in (6, 13))
    assert longer[:6] == shorter
    assert len({space.to_text(candidate) for candidate in longer}) == len(longer) == 13


@each_space
def test_sample_of_none_and_of_less(space: Any) -> None:
    assert space.sample(np.random.default_rng(0), 0) == []
    with pytest.raises(ValueError, match="-1"):
        space.sample(np.random.default_rng(0), -1)


@each_space
def test_text_is_one_short_line_and_always_the_same(space: Any) -> None:
    for candidate, again in zip(drawn(space), space.sample(np.random.default_rng(0), 24), strict=True):
        text = space.to_text(candidate)
        assert text == space.to_text(again) == " ".join(text.split())
        assert 0 < len(text.split()) <= MOST_WORDS


@each_space
@given(place=st.integers(0, 23), seed=seeds)
@settings(max_examples=25, deadline=None)
def test_a_random_order_keeps_the_words(space: Any, place: int, seed: int) -> None:
    candidate = drawn(space)[place]
    text, again = (space.to_text(candidate, np.random.default_rng(seed)) for _ in range(2))
    assert text == again
    assert bag(text) == bag(space.to_text(candidate))


@each_space
def test_neighbours_are_distinct_valid_and_others(space: Any) -> None:
    for candidate in drawn(space)[:3]:
        found = space.neighbours(candidate)
        texts = {space.to_text(other) for other in found}
        assert len(texts) == len(found) > 0
        assert space.to_text(candidate) not in texts
        assert all(type(other) is type(candidate) and replace(other) == other for other in found)
        assert space.neighbours(candidate) == found


@each_space
def test_a_neighbour_leads_back(space: Any) -> None:
    for candidate in drawn(space)[:2]:
        text, found = space.to_text(candidate), space.neighbours(candidate)
        # NAS-Bench-101 prunes: what one edit cut off may take several to come back.
        kept = [other for other in found if len(space.to_text(other).split()) >= len(text.split())]
        for other in kept[:: len(kept) // 4 + 1]:
            assert text in {space.to_text(back) for back in space.neighbours(other)}


@each_space
def test_candidates_are_values(space: Any) -> None:
    candidate, other = drawn(space)[:2]
    copy = pickle.loads(pickle.dumps(candidate))
    assert copy == candidate != other
    assert hash(copy) == hash(candidate)
    assert space.to_text(copy) == space.to_text(candidate)
    with pytest.raises(FrozenInstanceError):
        setattr(candidate, fields(candidate)[0].name, None)


@each_space
def test_problem_has_defaults(space: Any) -> None:
    parameters = signature(space.problem).parameters
    assert "metric" in parameters
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())
    assert space.problem() == space.problem(metric=parameters["metric"].default)
    assert parameters["metric"].default in DIRECTIONS


@each_space
def test_problems_differ_in_metric_and_direction_alone(space: Any) -> None:
    found = metrics(space)
    assert {metric: problem.direction for metric, problem in found.items()} == {
        metric: DIRECTIONS[metric] for metric in found
    }
    assert all(problem.metric.split()[0] == metric for metric, problem in found.items())
    assert all("\n" not in problem.metric for problem in found.values())
    assert len({problem.context for problem in found.values()}) == 1
    assert space.problem().context.splitlines()[0].strip()


@each_measured
def test_any_device_has_a_name(space: Any) -> None:
    for device in DEVICES:
        asked = space.problem("latency_ms", device=device)
        assert asked == space.problem("latency_ms", device=str(device))
        assert asked.metric == " ".join(asked.metric.split())
        assert len(asked.context.splitlines()) == 2
        assert type(asked.metric) is type(asked.context) is str


@each_measured
def test_what_is_no_device_is_refused(space: Any) -> None:
    for device in (5, float("nan"), *([None] if space.problem().metric != "latency_ms" else [])):
        with pytest.raises(ValueError, match=f"device is {device!r}"):
            space.problem(device=device)


def test_an_operation_is_one_word_in_all_spaces_of_cells() -> None:
    cell = nas_bench_101.Cell(((0, 1, 0), (0, 0, 1), (0, 0, 0)), ("input", "conv3x3", "output"))
    edge = nas_bench_201.Cell(("conv3x3", *["skip"] * 5))
    block = (("conv3x3", 0), ("skip", 1))
    genotype = nds.Genotype("nasnet", (block,) * 5, (block,) * 5)
    for text in (nas_bench_101.to_text(cell), nas_bench_201.to_text(edge), nds.to_text(genotype)):
        assert re.search(r"(^| )conv3x3<0", text)
    assert re.search(r"(^| )skip<0>2", nas_bench_201.to_text(edge))
    assert "+skip<1" in nds.to_text(genotype)


def test_a_block_size_is_one_word_in_all_kernels() -> None:
    names = ("BLOCK_M", "BLOCK_SIZE_M", "block_m", "MWG")
    assert {kernel_configs.to_text(kernel_configs.from_record({name: 64})) for name in names} == {"block_m=64"}


def test_a_device_is_the_same_words_in_contexts_and_metrics() -> None:
    words = devices.describe("A100")
    assert kernel_configs.problem(device="NVIDIA A100").context.splitlines()[1] == words
    for space in (nas_bench_201, fbnet, ofa, accel_nasbench, onnx_graph):
        assert space.problem("latency_ms", device="a100").metric == f"latency_ms batch=1 {words}"


@each_space
def test_an_unknown_metric_is_named(space: Any) -> None:
    with pytest.raises(ValueError, match="'beauty'") as raised:
        space.problem(metric="beauty")
    assert all(metric in str(raised.value) for metric in metrics(space))
