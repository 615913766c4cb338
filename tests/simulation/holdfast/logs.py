"""What the code under test says of itself that nobody should have to read: exceptions that it did not expect."""

import logging
import traceback
from collections import Counter
from types import TracebackType
from typing import Self

from tests.simulation.loop import PROCESS

_NAMES = ("app", "tests.simulation", "asyncio")
_KEPT = 5


class ErrorLog(logging.Handler):
    """While entered, takes all that is logged at ERROR or above; nothing is shown, and nothing below costs anything.

    A record with an exception, or of level CRITICAL, is a finding; others at ERROR tell of trouble that the faults of a
    simulation are meant to make, such as a lost Lease. What a process says after it was killed counts for nothing.
    `findings` counts them by message and type of exception; `first` has the first few in full.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.findings: Counter[tuple[str, str]] = Counter()
        self.first: list[str] = []
        self._before: list[tuple[logging.Logger, int, bool]] = []

    def __enter__(self) -> Self:
        for logger in map(logging.getLogger, _NAMES):
            self._before.append((logger, logger.level, logger.propagate))
            logger.setLevel(logging.ERROR)
            logger.propagate = False
            logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._before:
            logger, level, propagate = self._before.pop()
            logger.removeHandler(self)
            logger.setLevel(level)
            logger.propagate = propagate

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None and record.levelno < logging.CRITICAL:
            return
        process = PROCESS.get()
        if getattr(process, "dead", False):
            return
        message = record.getMessage()
        self.findings[message, type(error).__name__ if error else ""] += 1
        if len(self.first) < _KEPT:
            about = {
                name: vars(record)[name] for name in ("controller", "key", "resource", "lease") if name in vars(record)
            }
            who = getattr(process, "name", "")
            lines = traceback.format_exception(error) if error else []
            self.first.append(f"{who} {record.name}: {message} {about or ''}\n{''.join(lines)}".strip())
