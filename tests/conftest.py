"""Settings for all tests."""

from __future__ import annotations

import os
import signal

# Before anything imports numpy or torch: threads that wait for busy cores are slow, and sums depend on their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings
from hypothesis.internal.conjecture import providers

# A first call may import scipy or torch; time says nothing about what is tested. The same examples every time, so that
# a change alone decides whether the tests pass; `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("prerank", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("prerank")

# Hypothesis draws constants of the modules that are loaded too: other examples after any change, or in another order.
providers.is_local_module_file = lambda path: False  # pyright: ignore[reportPrivateImportUsage]

# A job in the background of a shell ignores Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)
