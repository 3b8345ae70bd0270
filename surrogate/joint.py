"""Candidates that are too long for the reader: a program, an ONNX graph.

The encoder reads such a text, as the end of a context of its own; the reader is left with an empty text, a position
that looks at all that was encoded. Nothing is shared with other candidates any more, so only these pay for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

JOINT_WORDS = 2048
TOGETHER = 8192  # words encoded at once, which bounds the memory


def joint(context: str, text: str) -> str:
    """The context of one long candidate."""
    return f"{context}\n{text}"


def batches(lengths: NDArray[np.int64], words: int = TOGETHER) -> Iterator[NDArray[np.intp]]:
    """Rows, ascending, of texts read at once: of about one length, as each is padded to the longest of them."""
    order = np.argsort(lengths, kind="stable")
    while len(order):
        padded = lengths[order] * np.arange(1, len(order) + 1)
        count = max(1, int((padded <= words).sum()))
        yield np.sort(order[:count])  # so that the rows of one batch alone are in their order
        order = order[count:]
