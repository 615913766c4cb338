import pytest

from localkube.commands import last_lines, run, succeeds
from localkube.errors import LocalkubeError


def test_the_output_comes_back() -> None:
    assert run(["cat"], stdin="hello") == "hello"


def test_settings_are_added_to_the_environment() -> None:
    assert run(["sh", "-c", 'echo "$ADDED ${PATH:+kept}"'], env={"ADDED": "yes"}) == "yes kept\n"


def test_a_failure_names_the_program_its_code_and_its_last_lines() -> None:
    with pytest.raises(LocalkubeError, match=r"(?s)sh -c .* ended with 3:\n    what is wrong"):
        run(["sh", "-c", "echo what is wrong >&2; exit 3"])


def test_a_missing_program_is_named() -> None:
    with pytest.raises(LocalkubeError, match="no-such-program is not on this machine"):
        run(["no-such-program"])


def test_a_program_that_hangs_is_given_up() -> None:
    with pytest.raises(LocalkubeError, match=r"did not end within 0\.05 s"):
        run(["sleep", "5"], timeout=0.05)


def test_success_is_a_plain_answer() -> None:
    assert succeeds(["true"])
    assert not succeeds(["false"])


def test_only_the_last_lines_are_told() -> None:
    assert last_lines("one\ntwo\nthree\n", count=2) == "    two\n    three"
