"""runtimes/run-task: what a task's pod prints, leaves behind and ends with."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.runtimes.conftest import Runner


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_the_commands_own(runner: Runner, code: int) -> None:
    assert runner.run("sh", "-c", f"exit {code}").code == code


def test_a_command_that_a_signal_ended_gives_128_and_the_signal(runner: Runner) -> None:
    assert runner.run("sh", "-c", "kill -SEGV $$").code == 128 + signal.SIGSEGV


def test_a_command_that_does_not_exist_is_named(runner: Runner) -> None:
    done = runner.run("no-such-program")
    assert done.code == 127
    assert "cannot run no-such-program: No such file or directory" in done.err
    assert b"no-such-program" in done.last_lines


def test_stdout_and_stderr_stay_apart(runner: Runner) -> None:
    done = runner.run("sh", "-c", "echo one; echo two >&2")
    assert (done.out, done.err) == ("one\n", "two\n")


def test_output_arrives_while_the_command_still_runs(runner: Runner) -> None:
    with runner.start("sh", "-c", "echo first; sleep 30") as process:
        assert process.stdout is not None
        begin = time.monotonic()
        assert process.stdout.readline() == "first\n"
        assert time.monotonic() - begin < 5
        process.terminate()


def test_a_line_without_an_end_is_not_lost(runner: Runner) -> None:
    assert runner.run("printf", "no newline").out == "no newline"


def test_nothing_of_much_output_is_lost_or_changed(runner: Runner) -> None:
    done = runner.run("sh", "-c", "seq 1 200000", SECURE_DATA="none of these")
    assert done.out == "".join(f"{number}\n" for number in range(1, 200001))


def test_a_very_long_line_passes_on_before_it_ends_with_its_secrets_hidden(runner: Runner) -> None:
    secret = "correct horse battery staple"
    script = f"""
import os, time
print(("x" * 777 + "{secret}") * 1000, end="", flush=True)
while not os.path.exists("{runner.folder}/go on"):
    time.sleep(0.01)
"""
    with runner.start("python3", "-c", script, SECURE_DATA=secret) as process:
        assert process.stdout is not None
        early = process.stdout.read(60_000)
        (runner.folder / "go on").touch()
        assert early + process.stdout.read() == ("x" * 777 + "***") * 1000


def test_the_old_name_of_the_context_is_there_too(runner: Runner) -> None:
    assert runner.run("sh", "-c", 'echo "$CONTEXT"', KEPTN_CONTEXT='{"a":"b"}').out == '{"a":"b"}\n'


def test_without_a_context_none_is_made_up(runner: Runner) -> None:
    assert runner.run("sh", "-c", 'echo "${CONTEXT-unset}"').out == "unset\n"


class TestSecrets:
    def printed(self, runner: Runner, text: str, secure_data: str) -> str:
        done = runner.run(
            "sh", "-c", 'printf "%s" "$TEXT"; printf "%s" "$TEXT" >&2', TEXT=text, SECURE_DATA=secure_data
        )
        assert done.out == done.err
        return done.out

    def test_the_whole_value_is_hidden_in_both_streams(self, runner: Runner) -> None:
        assert self.printed(runner, "a hunter2 b hunter2", "hunter2") == "a *** b ***"

    def test_a_short_value_is_hidden_too(self, runner: Runner) -> None:
        assert self.printed(runner, "pin 93", "93") == "pin ***"

    def test_blanks_around_the_value_do_not_matter(self, runner: Runner) -> None:
        assert self.printed(runner, "a hunter2 b", " hunter2\n") == "a *** b"

    def test_values_of_a_json_object_are_hidden_and_its_keys_are_not(self, runner: Runner) -> None:
        secure_data = json.dumps({"token": "s3cr3t", "deep": {"list": ["other-one", 5]}, "port": "80"})
        assert self.printed(runner, "token s3cr3t other-one 80", secure_data) == "token *** *** 80"

    def test_values_of_a_json_list_are_hidden(self, runner: Runner) -> None:
        assert self.printed(runner, "alpha beta gamma", '["alpha", "gamma"]') == "*** beta ***"

    @pytest.mark.parametrize("value", ['quote"d', "back\\slash", "tab\there", "ümlaut", "key \U0001f511"])
    @pytest.mark.parametrize("ascii_only", [True, False])
    def test_a_json_value_is_hidden_as_it_is_and_as_it_is_written(
        self, runner: Runner, value: str, ascii_only: bool
    ) -> None:
        written = json.dumps(value, ensure_ascii=ascii_only)
        printed = self.printed(runner, f"<{value}> {written}", json.dumps({"k": value}, ensure_ascii=ascii_only))
        assert printed == '<***> "***"'

    def test_each_line_of_a_secret_of_several_lines_is_hidden(self, runner: Runner) -> None:
        key = "-----BEGIN KEY-----\nMIIabcdef\nQQ==\n-----END KEY-----\n"
        printed = self.printed(runner, f"key:\n{key}", json.dumps({"key": key, "user": "bob"}))
        assert printed == "key:\n***\n***\n***\n***\n"
        assert self.printed(runner, "  MIIabcdef and } stays", "{\n  MIIabcdef\n}") == "  *** and } stays"

    def test_of_two_secrets_that_overlap_nothing_is_left(self, runner: Runner) -> None:
        assert self.printed(runner, "abcdefgh abcdefghij", '["abcdef", "efghij", "abcdefgh"]') == "*** ***"

    def test_characters_of_regular_expressions_are_nothing_special(self, runner: Runner) -> None:
        assert self.printed(runner, "a.c* abc$ [x", '["a.c*", "abc$"]') == "*** *** [x"

    def test_without_secure_data_nothing_is_changed(self, runner: Runner) -> None:
        assert runner.run("echo", "nothing to *** hide").out == "nothing to *** hide\n"
        assert self.printed(runner, "nothing to hide", " ") == "nothing to hide"

    def test_a_secret_that_comes_in_two_pieces_is_hidden(self, runner: Runner) -> None:
        assert runner.run("sh", "-c", "printf hun; sleep 0.3; echo ter2", SECURE_DATA="hunter2").out == "***\n"


class TestLastLines:
    def test_they_are_the_last_twenty_of_both_streams(self, runner: Runner) -> None:
        done = runner.run("sh", "-c", "seq 1 30; sleep 0.2; echo oops >&2; exit 1")
        assert done.last_lines.decode().split("\n") == [*(str(number) for number in range(12, 31)), "oops"]

    def test_blank_lines_do_not_take_their_place(self, runner: Runner) -> None:
        assert runner.run("printf", "one\n\n  \ntwo\n\n").last_lines == b"one\ntwo"

    def test_they_are_at_most_2048_bytes_and_begin_with_a_whole_line(self, runner: Runner) -> None:
        done = runner.run("sh", "-c", "for i in $(seq 20); do printf '%0200d\\n' $i; done")
        assert len(done.last_lines) <= 2048
        assert done.last_lines.decode().split("\n") == [f"{number:0200d}" for number in range(11, 21)]

    def test_of_one_line_that_is_too_long_the_end_is_kept_as_valid_utf8(self, runner: Runner) -> None:
        done = runner.run("python3", "-c", "print('é' * 5000 + 'end')")
        assert len(done.last_lines) <= 2048
        assert done.last_lines.decode() == "é" * 1022 + "end"

    def test_they_hold_no_secret(self, runner: Runner) -> None:
        assert runner.run("echo", "token hunter2", SECURE_DATA="hunter2").last_lines == b"token ***"

    def test_bytes_that_are_no_utf8_are_replaced(self, runner: Runner) -> None:
        done = runner.run("printf", r"a\377b\303\251c\355\240\200\nd\360\237\224\221\n")
        assert done.last_lines.decode() == "a\ufffdbéc\ufffd\ufffd\ufffd\nd\U0001f511"

    def test_colours_and_control_characters_are_left_out(self, runner: Runner) -> None:
        assert runner.run("printf", r"\033[31mred\033[0m\000\tand\007 \033[1;32mgreen\033[K\r\n").last_lines == (
            b"red\tand green"
        )

    def test_they_are_there_after_a_success_too(self, runner: Runner) -> None:
        assert runner.run("echo", "all well").last_lines == b"all well"

    def test_a_log_that_is_not_there_or_cannot_be_written_is_no_failure(self, runner: Runner, tmp_path: Path) -> None:
        program = runner.command("true")[0]
        assert os.spawnlp(os.P_WAIT, program, program, "--termination-log", str(tmp_path / "none"), "true") == 0
        assert not (tmp_path / "none").exists()


class TestSignals:
    def test_a_signal_reaches_all_that_the_command_started(self, runner: Runner) -> None:
        script = """
            (trap 'echo child got it; exit 0' TERM; echo ready; while :; do sleep 0.05; done) &
            trap 'wait; echo parent got it; exit 3' TERM
            wait
        """
        with runner.start("sh", "-c", script) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            assert process.stdout.read() == "child got it\nparent got it\n"
        assert process.returncode == 3

    def test_the_last_lines_are_written_at_once_when_told_to_stop(self, runner: Runner) -> None:
        go_on = runner.folder / "go-on"
        script = f"trap '' TERM; echo half done; while [ ! -e {go_on} ]; do sleep 0.02; done; echo done"
        with runner.start("sh", "-c", script) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 5
            while runner.log.read_bytes() != b"half done" and time.monotonic() < deadline:
                time.sleep(0.01)
            early = runner.log.read_bytes()
            go_on.touch()
        assert (early, runner.log.read_bytes()) == (b"half done", b"half done\ndone")

    def test_a_command_that_dies_of_the_signal_gives_143(self, runner: Runner) -> None:
        with runner.start("sh", "-c", "echo ready; exec sleep 30") as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
        assert process.returncode == 143

    def test_what_outlives_the_command_does_not_keep_the_pod(self, runner: Runner) -> None:
        begin = time.monotonic()
        done = runner.run("sh", "-c", "sleep 30 & echo done; exit 4")
        assert time.monotonic() - begin < 5
        assert (done.code, done.out) == (4, "done\n")

    def test_a_command_that_closes_its_output_is_waited_for(self, runner: Runner) -> None:
        assert runner.run("sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 5").code == 5


def test_it_starts_in_a_few_milliseconds(runner: Runner) -> None:
    def seconds() -> float:
        begin = time.perf_counter()
        assert runner.run("true").code == 0
        return time.perf_counter() - begin

    assert min(seconds() for _ in range(10)) < 0.05


class TestWhichCodeRan:
    RUNNER = r"printf '\036code sha256:0123456789abcdef\n' >&2; "

    def test_stands_before_the_last_lines_and_is_not_printed(self, runner: Runner) -> None:
        done = runner.run("sh", "-c", self.RUNNER + "echo one; echo two >&2")
        assert (done.out, done.err) == ("one\n", "two\n")
        assert done.last_lines.split(b"\n")[0] == b"code sha256:0123456789abcdef"
        assert sorted(done.last_lines.split(b"\n")[1:]) == [b"one", b"two"]

    def test_is_known_of_a_script_that_prints_nothing(self, runner: Runner) -> None:
        assert runner.run("sh", "-c", self.RUNNER).last_lines == b"code sha256:0123456789abcdef"

    def test_leaves_the_last_lines_their_room(self, runner: Runner) -> None:
        done = runner.run("sh", "-c", self.RUNNER + "printf '%02000d' 0")
        assert done.last_lines == b"code sha256:0123456789abcdef\n" + b"0" * 2000

    def test_is_not_for_the_script_to_say(self, runner: Runner) -> None:
        forged = self.RUNNER.replace("0123", "4567")
        done = runner.run("sh", "-c", r"printf '\036\n' >&2; " + forged)
        assert done.last_lines.split(b"\n")[0] == b"code unknown"
        done = runner.run("sh", "-c", self.RUNNER + forged)
        assert done.last_lines.split(b"\n")[0] == b"code sha256:0123456789abcdef"

    def test_is_said_first_or_not_at_all(self, runner: Runner) -> None:
        done = runner.run("sh", "-c", "echo first >&2; " + self.RUNNER)
        assert done.last_lines == b"first\ncode sha256:0123456789abcdef"

    def test_is_known_of_a_command_that_is_told_to_stop(self, runner: Runner) -> None:
        script = self.RUNNER + "trap '' TERM; echo ready; sleep 30"
        with runner.start("sh", "-c", script) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.terminate()
            until = time.monotonic() + 5
            while not runner.log.read_bytes() and time.monotonic() < until:
                time.sleep(0.02)
            process.kill()
        assert runner.log.read_bytes() == b"code sha256:0123456789abcdef\nready"
