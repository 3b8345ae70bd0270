"""Settings for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# A first call may import scipy or torch; time says nothing about what is tested.
settings.register_profile("prerank", deadline=None)
settings.load_profile("prerank")

# A job in the background of a shell ignores Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)
