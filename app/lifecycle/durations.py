"""Durations as Go writes them (`30s`, `5m`, `1h30m`): what Keptn's API speaks, and what its objects carry back."""

import re
from decimal import Decimal

# Nanoseconds. The two micro signs are different characters that Go reads alike.
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LARGEST = 2**63 - 1  # Go keeps a duration in a signed 64-bit count of nanoseconds: about 292 years
_LONGEST_TEXT = 64
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_NUMBER = re.compile(r"([0-9]+)(\.[0-9]*)?")


class DurationError(ValueError):
    """Text that is not a duration; the message says what to write instead."""


def parse(text: str) -> float:
    """The seconds that `text` stands for.

    Takes what Go's time.ParseDuration takes: an optional sign, then numbers (fractions allowed) each with a unit of ns,
    us, µs, ms, s, m or h; or a bare 0. Raises DurationError for anything else.
    """
    return nanoseconds(text) / 1e9


def nanoseconds(text: str) -> int:
    """As `parse`, but exact: whole nanoseconds, smaller fractions cut off as Go does."""
    if len(text) > _LONGEST_TEXT:
        raise DurationError(f"is too long for a duration; {_advice('')}")
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return 0
    total = 0
    at = 0
    while at < len(unsigned):
        part = _PART.match(unsigned, at)
        if part is None:
            break
        total += int(Decimal(part[1]) * _UNITS[part[2]])
        at = part.end()
    if not unsigned or at < len(unsigned):
        raise DurationError(f"{text!r} is not a duration; {_advice(unsigned)}")
    if total > _LARGEST:
        raise DurationError(f"{text!r} is longer than 292 years; {_advice('')}")
    return -total if text.startswith("-") else total


def format(seconds: float) -> str:
    """`seconds` as Go prints them: 300 is `5m0s`, 5400 is `1h30m0s`, 0.25 is `250ms`, 0 is `0s`."""
    count = round(Decimal(repr(seconds)) * 1_000_000_000)
    sign = "-" if count < 0 else ""
    count = abs(count)
    if count == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if count < 1000 * _UNITS[unit]:
            return f"{sign}{_decimal(count, _UNITS[unit])}{unit}"
    minutes, rest = divmod(count, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _UNITS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(count: int, unit: int) -> str:
    whole, rest = divmod(count, unit)
    if not rest:
        return str(whole)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{digits}"


def _advice(text: str) -> str:
    """What to write, built on the number that somebody wrote without a unit."""
    number = _NUMBER.fullmatch(text)
    if number is None or int(number[1]) == 0:
        return "write a number with a unit, such as 30s, 5m or 1h30m"
    seconds = f"{text}s"
    if number[2] is None and int(number[1]) >= 60:
        return f'a number needs a unit: write "{seconds}" for seconds (which is {format(int(number[1]))})'
    return f'a number needs a unit: write "{seconds}" for seconds, "{text}m" for minutes'
