"""An NNI search space with every type, choices inside choices too."""

from __future__ import annotations

from typing import Any

SPACE: dict[str, Any] = {
    "choice": {"_type": "choice", "_value": ["a", "b c", 3, 0.5]},
    "randint": {"_type": "randint", "_value": [-2, 7]},
    "uniform": {"_type": "uniform", "_value": [-1.5, 2.5]},
    "quniform": {"_type": "quniform", "_value": [0, 1, 0.25]},
    "loguniform": {"_type": "loguniform", "_value": [1e-5, 1]},
    "qloguniform": {"_type": "qloguniform", "_value": [1, 1000, 10]},
    "normal": {"_type": "normal", "_value": [3, 2]},
    "qnormal": {"_type": "qnormal", "_value": [3, 2, 0.5]},
    "lognormal": {"_type": "lognormal", "_value": [0, 1]},
    "qlognormal": {"_type": "qlognormal", "_value": [2, 1, 2]},
    "nested": {
        "_type": "choice",
        "_value": [
            {"_name": "none"},
            {
                "_name": "conv",
                "kernel": {"_type": "choice", "_value": [1, 3]},
                "then": {
                    "_type": "choice",
                    "_value": [{"_name": "pool", "size": {"_type": "randint", "_value": [2, 4]}}, {"_name": "skip"}],
                },
            },
        ],
    },
}
NUMBERS = ("uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal", "qlognormal")
