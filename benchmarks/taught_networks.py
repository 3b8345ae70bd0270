"""Networks that nobody measured, with what plain models expect of them: more to learn sizes and operations from.

A thousand measured networks are learnt by heart. A Gaussian process on the totals and boosted trees on the counts of
operations learn from the same measurements, and rank families that they have not seen well: mean Spearman .97 of
latencies and .96 of peak memory over the nine, each left out in turn; MACs .96 and .80. What they expect of thousands
of other networks of the nine is read beside the measurements (distillation, Hinton et al. 2015, arXiv:1503.02531).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from zlib import crc32

import numpy as np
from measured_tables import UNSEEN_FAMILIES, is_test, network_row
from network_features import Floats, frame_of, operators, totals
from networks import FAMILIES
from sklearn.ensemble import HistGradientBoostingRegressor
from tabular_models import gaussian_process, learnt

from prerank.search_spaces import onnx_graph
from prerank.surrogate import Row
from prerank.surrogate.problem import first_line

_FIRST = 10_000  # number of the first draw: far from those that measure_networks.py measures
_READ = 600  # measured networks that the Gaussian process reads, which takes the cube of their number
_LEAST = 1e-4  # millions; no total of a network is less, but some are zero
_WORDS = ("latency_ms", "memory_bytes")


def taught(rows: Sequence[Row], count: int) -> list[Row]:
    """Rows of unmeasured networks of the families that may be read; none where no measured networks are among the rows.

    Args:
        rows: What is trained on.
        count: How many.
    """
    line = first_line(onnx_graph.problem().context)
    measured = [row for row in rows if first_line(row.context) == line]
    metrics = [m for m in dict.fromkeys(m for row in measured for m in row.values) if m.startswith(_WORDS)]
    if not metrics or not count:
        return []
    met = {row.texts[0] for row in measured}
    texts = [text for text in islice(_drawn(), count) if text not in met and not is_test(text)]
    values = {metric: np.exp(_expected(measured, metric, texts)).tolist() for metric in metrics}
    return [network_row(text, {m: values[m][place] for m in metrics}) for place, text in enumerate(texts)]


def _drawn() -> Iterator[str]:
    """Texts of networks, one family after the other in turn."""
    known = {name: draw for name, draw in FAMILIES.items() if name not in UNSEEN_FAMILIES}
    number = _FIRST
    while True:
        for name, draw in known.items():
            model, _ = draw(np.random.default_rng([crc32(name.encode()), number]))
            yield onnx_graph.to_text(onnx_graph.from_record(model))
        number += 1


def _expected(measured: Sequence[Row], metric: str, texts: Sequence[str]) -> Floats:
    """Logarithms of a metric: the mean of the two models."""
    read = [row for row in measured if metric in row.values]
    known, logs = [row.texts[0] for row in read], np.log([row.values[metric] for row in read])
    some = np.random.default_rng(0).permutation(len(read))[:_READ]
    sizes = np.log(frame_of([totals(_first(text)) for text in (*known, *texts)]) + _LEAST)
    smooth = learnt(gaussian_process(), sizes[some], logs[some]).predict(sizes[len(known) :])
    counts = frame_of([operators(text) | totals(text) for text in (*known, *texts)])
    trees = HistGradientBoostingRegressor(max_iter=300, random_state=0).fit(counts[: len(known)], logs)
    return (smooth + trees.predict(counts[len(known) :])) / 2


def _first(text: str) -> str:
    return text.partition("\n")[0]
