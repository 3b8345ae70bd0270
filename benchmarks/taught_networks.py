"""Networks that nobody measured, with what plain models expect of them: more to learn sizes and operations from.

A thousand measured networks are learnt by heart. A Gaussian process on the totals and boosted trees on the counts of
operations learn from the same measurements, and rank families that they have not seen well: mean Spearman .97 of
latencies and .96 of peak memory over nine families, each left out in turn; MACs .96 and .80. What they expect of
thousands of other networks of the families that may be read is read beside the measurements (distillation, Hinton et
al. 2015, arXiv:1503.02531).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice

import numpy as np
from families import FAMILIES, drawn
from measured_networks import UNSEEN_FAMILIES, network_row
from measured_rows import is_test
from network_features import Floats, frame_of, stated_numbers, trees_on_counts
from tabular_models import gaussian_process, learnt

from prerank.search_spaces import onnx_graph
from prerank.surrogate import Row
from prerank.surrogate.problem import first_line

_FIRST = 10_000  # number of the first draw: far from those that measure_networks.py measures
_READ = 600  # measured networks that the Gaussian process reads, which takes the cube of their number
_LEAST = 1e-4  # millions; no total of a network is less, but some are zero
_WORDS = ("latency_ms", "memory_bytes")


def taught(rows: Sequence[Row], most: int) -> list[Row]:
    """Rows of unmeasured networks of the families that may be read; none where no measured networks are among the rows.

    Args:
        rows: What is trained on.
        most: Networks to draw; those that were measured or are kept for tests are left out.
    """
    line = first_line(onnx_graph.problem().context)
    measured = [row for row in rows if first_line(row.context) == line]
    metrics = [m for m in dict.fromkeys(m for row in measured for m in row.values) if m.startswith(_WORDS)]
    if not metrics or not most:
        return []
    met = {row.texts[0] for row in measured}
    texts = [text for text in islice(_drawn(), most) if text not in met and not is_test(text)]
    values = {metric: np.exp(_expected(measured, metric, texts)).tolist() for metric in metrics}
    return [network_row(text, {m: values[m][place] for m in metrics}) for place, text in enumerate(texts)]


def _drawn() -> Iterator[str]:
    """Texts of networks, one family after the other in turn."""
    known = [family for family in FAMILIES if family not in UNSEEN_FAMILIES]
    for number in count(_FIRST):
        for family in known:
            model, _ = drawn(family, number)
            yield onnx_graph.to_text(onnx_graph.from_record(model))


def _expected(measured: Sequence[Row], metric: str, texts: Sequence[str]) -> Floats:
    """Logarithms of a metric: the mean of the two models."""
    values = {row.texts[0]: row.values[metric] for row in measured if metric in row.values}
    known, logs = [*values], np.log([*values.values()])
    some = np.random.default_rng(0).permutation(len(known))[:_READ]
    sizes = np.log(frame_of([stated_numbers(_first(text)) for text in (*known, *texts)]) + _LEAST)
    smooth = learnt(gaussian_process(), sizes[some], logs[some]).predict(sizes[len(known) :])
    return (smooth + trees_on_counts(known, [*values.values()], texts)) / 2


def _first(text: str) -> str:
    return text.partition("\n")[0]
