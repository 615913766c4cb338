"""For all tests."""

import asyncio

# pytest-asyncio asks for "the current loop" around fixtures. Where none was ever set, Python 3.11 answers with a new
# one that nobody closes, which is a warning, which is an error.
asyncio.set_event_loop(None)
