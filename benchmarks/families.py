"""All families of networks by name."""

from __future__ import annotations

from zlib import crc32

import numpy as np
from networks import (
    Drawn,
    Family,
    cells_101,
    cells_201,
    cells_nds,
    inception,
    inverted_residual,
    networks_fbnet,
    networks_macro,
    networks_ofa,
    perceptron,
    plain,
    residual,
    transformer,
)
from unusual_networks import recurrent, segmentation, temporal, unrolled, volume

FAMILIES: dict[str, Family] = {
    "residual": residual,
    "inverted residual": inverted_residual,
    "inception": inception,
    "plain": plain,
    "perceptron": perceptron,
    "transformer": transformer,
    "nas_bench_101": cells_101,
    "nas_bench_201": cells_201,
    "nds": cells_nds,
    "fbnet": networks_fbnet,
    "ofa": networks_ofa,
    "nas_bench_macro": networks_macro,
    "segmentation": segmentation,
    "recurrent": recurrent,
    "temporal": temporal,
    "volume": volume,
    "unrolled": unrolled,
}
"""Name -> what draws a network of it."""


def drawn(family: str, number: int) -> Drawn:
    """A network of a family, the same for the same number."""
    return FAMILIES[family](np.random.default_rng([crc32(family.encode()), number]))
