"""Words of questions: which of them are names, and how alike two questions are."""

from __future__ import annotations

from prerank.surrogate.wording import (
    context_names,
    familiar,
    likeness,
    metric_names,
    metric_numbers,
    name_parts,
    varies_first,
)


def test_names_are_devices_types_and_fields_without_numbers() -> None:
    context = "kernel\nnvidia-a100 gpu units=108 ghz=1.41 7\nm=-2048 eps=1e-05 b=2.5E+3 a_dtype=fp16 conv3x3 id=1e"
    words = {"nvidia-a100", "gpu", "units=", "ghz=", "m=", "eps=", "b=", "a_dtype=fp16", "conv3x3", "id=1e"}
    assert context_names(context) == words
    assert not context_names("only a first line")


def test_a_metric_has_names_and_numbers() -> None:
    metric = "latency_ms batch=1 nvidia-rtx-4080 threads=2"
    assert metric_names(metric) == {"nvidia-rtx-4080"}
    assert name_parts(metric) == {"nvidia", "rtx"}
    assert metric_numbers(metric) == {"batch": "1", "threads": "2"}


def test_first_lines_are_alike_by_the_words_that_tell_something() -> None:
    assert likeness("triton matmul", "matmul") == 1
    assert likeness("triton matmul", "triton softmax") == 0
    assert 0 < likeness("triton mixed matmul", "triton matmul") < 1


def test_names_that_all_have_tell_nothing() -> None:
    known = ["latency_ms batch=1 one-cpu onnxruntime", "latency_ms batch=4 one-cpu onnxruntime"]
    read = frozenset({"one-cpu", "third-cpu", "onnxruntime"})
    two = [*known, "latency_ms third-cpu onnxruntime"]
    assert not familiar("latency_ms batch=1 other-cpu onnxruntime", known, read)
    assert not familiar("latency_ms batch=1 other-cpu onnxruntime", two, read)
    assert familiar("latency_ms batch=8 one-cpu onnxruntime", known, read)
    assert familiar("latency_ms batch=1 one-cpu", known, read)
    assert not familiar("latency_ms one-cpu phone", ["latency_ms third-cpu"], read)
    assert not familiar("latency_ms other-cpu onnxruntime", [], read)
    assert not familiar("latency_ms", known, read)


def test_a_number_varies_first_where_all_known_have_another_one() -> None:
    known = ["latency_ms cpu threads=1", "memory_bytes cpu threads=1"]
    assert varies_first("latency_ms cpu threads=2", known)
    assert not varies_first("latency_ms cpu threads=1", known)
    assert not varies_first("latency_ms cpu threads=2", [*known, "latency_ms cpu threads=4"])
