from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle.quantities import QuantityError, half_bytes, parse

SIZES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
POWERS = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12"}

numbers = st.decimals(0, 10**9, places=3).map(lambda number: f"{number:f}")


@given(numbers, st.sampled_from([*SIZES, *POWERS]))
def test_a_unit_multiplies(number: str, unit: str) -> None:
    factor = Decimal(SIZES[unit]) if unit in SIZES else Decimal(POWERS[unit])
    assert parse(number + unit) == Decimal(number) * factor


@pytest.mark.parametrize(
    ("text", "number"), [("1e3", 1000), ("1E3", 1000), ("2E", 2 * 10**18), ("1.5e-1", "0.15"), (".5", "0.5"), ("5.", 5)]
)
def test_every_way_to_write_a_number_is_read(text: str, number: str) -> None:
    assert parse(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Mi", "1 Mi", "1KiB", "1mi", "abc", "1e", "--1", "1e9999", "1\n"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(QuantityError, match="not a quantity"):
        parse(text)


@pytest.mark.parametrize(
    ("limit", "half"),
    [
        ("1Gi", "512Mi"),
        ("64Mi", "32Mi"),
        ("3Gi", "1536Mi"),
        ("1Ei", "512Pi"),
        ("1.5Gi", "768Mi"),
        ("1G", "500000000"),
        ("67108864", "32Mi"),
        ("1e9", "500000000"),
        ("3Ki", "1536"),
        ("1500m", "1"),
        ("0", "1"),
    ],
)
def test_half_of_a_memory_limit_is_in_whole_bytes(limit: str, half: str) -> None:
    assert half_bytes(limit) == half


@given(numbers, st.sampled_from([*SIZES, *POWERS]))
def test_half_is_half_to_the_byte(number: str, unit: str) -> None:
    assert parse(half_bytes(number + unit)) == max(1, int(parse(number + unit) / 2))
