"""Whoever takes spans. Apart from `app.telemetry.otlp`, which speaks to a real one, so that this needs no gRPC."""

from collections.abc import Sequence
from typing import Protocol

from app.lifecycle.spans import Span


class Refused(Exception):
    """The collector will never take these spans."""


class Unreachable(Exception):
    """The collector cannot be reached, or is busy: the same spans may be sent again later."""


class Collector(Protocol):
    """One that is connected to."""

    async def send(self, spans: Sequence[Span], seconds: float) -> str:
        """Sends all within so many `seconds`; what the collector has to say about them, "" if it is content.

        Raises Refused or Unreachable.
        """
        ...

    async def close(self) -> None:
        """Ends the connection."""
        ...
