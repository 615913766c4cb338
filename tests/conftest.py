"""For all tests."""

import asyncio

from hypothesis import HealthCheck, settings

# pytest-asyncio asks for "the current loop" around fixtures. Where none was ever set, Python 3.11 answers with a new
# one that nobody closes, which is a warning, which is an error.
asyncio.set_event_loop(None)

# How long an example takes says more about what else the machine is doing than about us.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
