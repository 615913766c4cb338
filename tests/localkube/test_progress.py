import io
import time

import pytest

from localkube.progress import Progress, Step, duration


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (245, "4 min 5 s"),
        (7380, "2 h 3 min"),
        (93600, "1 d 2 h"),
    ],
)
def test_durations_are_short_words(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_a_step_ends_with_done_its_time_and_its_last_detail() -> None:
    stream = io.StringIO()
    with Progress(stream).step("build 1 of 2: etcd") as step:
        step.detail = "1 program"
    assert stream.getvalue().split() == ["done", "0.0", "s", "build", "1", "of", "2:", "etcd:", "1", "program"]


def test_a_step_that_fails_says_so_and_lets_the_error_through() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="no"), Progress(stream).step("build"):
        raise ValueError("no")
    assert stream.getvalue().startswith("  FAIL")


def test_without_a_terminal_a_long_step_beats_in_lines_of_its_own() -> None:
    stream = io.StringIO()
    with Progress(stream, heartbeat=0.01).step("build") as step:
        deadline = time.monotonic() + 5
        step.detail = "compiled 3"
        while "compiled 3" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    first, *_, last = stream.getvalue().splitlines()
    assert first.startswith("  ...")
    assert last.startswith("  done")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_step_is_one_line_that_is_drawn_over() -> None:
    stream = Terminal()
    with Progress(stream).step("build"):
        pass
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().startswith("\r\x1b[K  ...")


def test_a_line_never_wraps() -> None:
    step = Step("x" * 300)
    assert len(step.line("done")) < 120


def test_plain_lines_are_printed_as_they_are() -> None:
    stream = io.StringIO()
    Progress(stream).say("hello")
    assert stream.getvalue() == "hello\n"
