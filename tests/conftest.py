"""Settings for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# A first call may import scipy or torch; time says nothing about what is tested. The same examples every time, so that
# a change alone decides whether the tests pass; `pytest --hypothesis-profile explore` looks for new ones.
settings.register_profile("prerank", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("prerank")

# A job in the background of a shell ignores Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)
