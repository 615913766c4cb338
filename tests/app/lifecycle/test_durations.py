import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.lifecycle import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("0s", 0),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("250ms", 0.25),
        ("3us", 3e-6),
        ("3µs", 3e-6),
        ("3μs", 3e-6),
        ("7ns", 7e-9),
        ("1h1m1s1ms", 3661.001),
        ("5m5m", 600),
        ("-5s", -5),
        ("0.9ns", 0),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert durations.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "300", "5", "abc5m", "5m abc", "5 m", "m", ".s", "5d", "1e3s", "-", "0x5s", "5m\n", "٣s", "00", "5M"]
)
def test_what_go_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(durations.DurationError, match="write"):
        durations.parse(text)


def test_a_number_without_a_unit_is_told_both_readings() -> None:
    with pytest.raises(durations.DurationError) as small:
        durations.parse("5")
    assert (
        str(small.value) == '\'5\' is not a duration; a number needs a unit: write "5s" for seconds, "5m" for minutes'
    )
    with pytest.raises(durations.DurationError) as large:
        durations.parse("300")
    assert 'write "300s" for seconds (which is 5m0s)' in str(large.value)


def test_more_than_go_can_hold_is_refused() -> None:
    assert durations.nanoseconds("9223372036854775807ns") == 2**63 - 1
    with pytest.raises(durations.DurationError, match="292 years"):
        durations.nanoseconds("9223372036854775808ns")
    with pytest.raises(durations.DurationError, match="too long"):
        durations.parse("1" * 1_000_000 + "s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (30, "30s"),
        (300, "5m0s"),
        (5400, "1h30m0s"),
        (3600, "1h0m0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (61.001, "1m1.001s"),
        (0.0000015, "1.5µs"),
        (7e-9, "7ns"),
        (-90, "-1m30s"),
    ],
)
def test_seconds_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert durations.format(seconds) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_what_is_written_reads_back_to_the_microsecond(microseconds: int) -> None:
    text = durations.format(microseconds / 1e6)
    assert durations.nanoseconds(text) == pytest.approx(microseconds * 1000, abs=1000, rel=1e-12)


@given(
    st.lists(
        st.tuples(st.integers(0, 999), st.sampled_from(["ns", "us", "µs", "ms", "s", "m", "h"])),
        min_size=1,
        max_size=12,
    )
)
def test_every_sequence_of_numbers_with_units_is_read(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assume(len(text) <= 64)
    assert durations.nanoseconds(text) >= 0
