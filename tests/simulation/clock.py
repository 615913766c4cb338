"""Simulated time: the running loop's clock, as seconds and as dates."""

import asyncio
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def seconds() -> float:
    """Since the simulation began."""
    return asyncio.get_running_loop().time()


def now() -> datetime:
    return EPOCH + timedelta(seconds=seconds())


def stamp(later: float = 0.0) -> str:
    """The time, or that in so many seconds, as the API server writes it: RFC 3339 in UTC, whole seconds."""
    return f"{now() + timedelta(seconds=later):%Y-%m-%dT%H:%M:%SZ}"


def since_stamp(text: str) -> float:
    """Seconds since a time that the API server wrote."""
    return (now() - datetime.fromisoformat(text)).total_seconds()
