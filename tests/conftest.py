"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

# A first call may import scipy or torch; time says nothing about what is tested.
settings.register_profile("prerank", deadline=None)
settings.load_profile("prerank")
