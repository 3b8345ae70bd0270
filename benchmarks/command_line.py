"""What the command lines of the benchmarks have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

from measured_rows import FOLDER


def command_line(about: str | None, file: str) -> argparse.ArgumentParser:
    """Where the tables are, which checkpoint is asked, and where the results go: beside the benchmark.

    Args:
        about: The benchmark's docstring.
        file: The benchmark's file.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--checkpoint", type=Path, help="default: the packaged one")
    parser.add_argument("--out", type=Path, default=Path(file).with_suffix(".json"))
    return parser
