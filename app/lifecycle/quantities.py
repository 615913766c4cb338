"""Kubernetes' quantities: `100m`, `64Mi`, `1.5G`, `1e3`."""

import re
from decimal import Decimal

_BINARY = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4, "Pi": 1024**5, "Ei": 1024**6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_QUANTITY = re.compile(rf"({_NUMBER})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{{1,3}}))?")


class QuantityError(ValueError):
    """Text that is no quantity."""


def parse(text: str) -> Decimal:
    """The number that `text` stands for, exactly. Raises QuantityError."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError(f"{text!r} is not a quantity, such as 100m, 64Mi or 1.5G")
    number, unit, exponent = match.groups()
    if unit in _BINARY:
        return Decimal(number) * _BINARY[unit]
    return Decimal(number).scaleb(int(exponent) if exponent else _DECIMAL[unit or ""])


def half_bytes(text: str) -> str:
    """Half of an amount of memory, at least one byte: in the largest binary unit that gives a whole number.

    Fractions of a byte are cut off. Raises QuantityError.
    """
    count = max(1, int(parse(text) / 2))
    unit = next((unit for unit, size in reversed(_BINARY.items()) if count % size == 0), "")
    return f"{count // _BINARY.get(unit, 1)}{unit}"
