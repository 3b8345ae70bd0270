"""Where the command ``prerank`` begins: it is installed even where what it needs is not."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; without its packages, say which one to install."""
    try:
        from .command_line import app
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("prerank"):
            raise  # a part of this package, which nothing else brings
        sys.exit(f"{missing}; install it with: pip install 'prerank[cli]'")
    app()
