"""Which configurations rlm_prune drops because they cannot run: how many of those that failed, and of those that ran.

python benchmarks/feasibility.py

All measured configurations of Triton's kernels; the bound is one of numbers alone (`launch_limits`) and asks no model.
Sizes count as constants, as Inductor's are, and a product's loop as a plain one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measured_rows import FOLDER
from measured_shapes import shape
from measured_tables import kernel_frame
from rich.progress import track
from tables import show

from prerank.search_spaces import kernel_configs
from prerank.search_spaces.launch_limits import Limits, limits, obstacle

PRODUCTS = ("triton_mm", "triton_mixed_mm", "triton_matmul_tutorial_fp16")


def main() -> None:
    """Count, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    results = list(counted(kernel_frame(arguments.data)))
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def counted(frame: Any) -> Iterator[dict[str, Any]]:
    """Kernel by kernel and device by device: how many failed and ran, and how many of these are dropped."""
    own = frame[frame["kernel"].str.startswith("triton")]
    for (kernel, device), rows in own.groupby(["kernel", "device"]):
        groups = track(rows.groupby("problem"), f"{kernel}, {device}")
        dropped = pd.concat([dropped_rows(problem, group, limits(device)) for problem, group in groups])
        ran = rows["ms"].notna()
        yield {
            "kernel": kernel,
            "device": device,
            "failed": int((~ran).sum()),
            "failed, dropped": int((dropped & ~ran).sum()),
            "ran": int(ran.sum()),
            "ran, dropped": int((dropped & ran).sum()),
        }


def dropped_rows(problem: Any, rows: Any, device: Limits) -> Any:
    """Whether each row of a problem is dropped, by the index of the rows."""
    sizes = shape(problem, rows, 0.0).least_itemsizes if rows["kernel"].iloc[0] in PRODUCTS else None
    known = {text: fields_of(text) for text in rows["config"].unique()}
    found = [obstacle(known[text], device, sizes) is not None for text in rows["config"]]
    return pd.Series(np.array(found, dtype=bool), index=rows.index)


def fields_of(config: str) -> dict[str, object]:
    """A configuration as `obstacle` reads it."""
    return {kernel_configs.field(name): value for name, value in kernel_configs.from_record(config).fields}


def tables(results: Sequence[Mapping[str, Any]]) -> dict[str, pd.DataFrame]:
    """The counts as a titled data frame of text, with shares of what failed."""
    lines = [
        {name: f"{value:,}" if isinstance(value, int) else value for name, value in row.items()}
        | {"share": f"{row['failed, dropped'] / row['failed']:.1%}" if row["failed"] else ""}
        for row in results
    ]
    return {"Dropped of those that failed, and of those that ran": pd.DataFrame(lines)}


if __name__ == "__main__":
    main()
