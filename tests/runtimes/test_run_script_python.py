"""runtimes/python/run-script: which Python runs, with which options, and where the script comes from."""

import hashlib
import time
from pathlib import Path

import pytest

from tests.runtimes.conftest import RUNTIMES, Outcome, Runner, Web

RUN_SCRIPT = str(RUNTIMES / "python/run-script")


def run_file(runner: Runner, code: str, **environment: str) -> Outcome:
    script = runner.folder / "function.py"
    script.write_text(code)
    return runner.run(RUN_SCRIPT, SCRIPT=str(script), **environment)


def test_a_script_reads_its_input_and_gives_its_exit_code(runner: Runner) -> None:
    done = run_file(
        runner,
        "import os, sys\n"
        "print([os.environ.get(name) for name in ('DATA', 'SECURE_DATA', 'KEPTN_CONTEXT', 'CONTEXT')])\n"
        "sys.exit(6)\n",
        DATA="{}",
        KEPTN_CONTEXT='{"a":1}',
    )
    assert done.out == "['{}', None, '{\"a\":1}', '{\"a\":1}']\n"
    assert done.code == 6


def test_command_arguments_are_options_of_the_interpreter(runner: Runner) -> None:
    done = run_file(runner, "print('the script ran')", CMD_ARGS="-h")
    assert done.code == 0
    assert done.out.startswith("usage: ")
    assert "the script ran" not in done.out


def test_command_arguments_are_split_at_blanks_and_nothing_else_is_done_to_them(runner: Runner) -> None:
    done = run_file(
        runner, "import sys; print(sys.flags.optimize, sys.warnoptions)", CMD_ARGS=" -O  -W ignore::*[a-z] "
    )
    assert done.out == "1 ['ignore::*[a-z]']\n"


def test_empty_command_arguments_are_none(runner: Runner) -> None:
    assert run_file(runner, "import sys; print(sys.argv[1:])", CMD_ARGS="").out == "[]\n"


def test_an_exception_fails_the_task_and_is_in_the_last_lines(runner: Runner) -> None:
    done = run_file(runner, "raise RuntimeError('the queue is not empty')")
    assert done.code == 1
    assert done.last_lines.endswith(b"RuntimeError: the queue is not empty")


def test_prints_arrive_at_once(runner: Runner) -> None:
    script = runner.folder / "function.py"
    script.write_text("import time; print('first'); time.sleep(30)")
    with runner.start(RUN_SCRIPT, SCRIPT=str(script)) as process:
        assert process.stdout is not None
        begin = time.monotonic()
        assert process.stdout.readline() == "first\n"
        assert time.monotonic() - begin < 5
        process.terminate()


def test_a_script_from_a_url_runs_with_the_interpreters_options_after_redirects(runner: Runner, web: Web) -> None:
    web.answers["/latest"] = (302, {"Location": "/next"}, "")
    web.answers["/next"] = (307, {"Location": "/v1/check.py"}, "")
    web.answers["/v1/check.py"] = (200, {}, "import sys\nprint('fetched', sys.flags.optimize)\nsys.exit(3)\n")
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/latest", CMD_ARGS="-O")
    assert (done.code, done.out) == (3, "fetched 1\n")


def test_a_script_from_a_file_url_runs(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("print('from a file')")
    assert runner.run(RUN_SCRIPT, SCRIPT=f"file://{tmp_path}/check.py").out == "from a file\n"


def test_a_traceback_of_a_fetched_script_shows_its_line(runner: Runner, web: Web) -> None:
    web.answers["/check.py"] = (200, {}, "assert 1 == 2, 'one is not two'\n")
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/check.py")
    assert b"assert 1 == 2, 'one is not two'" in done.last_lines


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/gone.py", None, "the server answered 404 Not Found"),
        ("/broken.py", (500, {}, "oops"), "the server answered 500 Internal Server Error"),
        ("/loop.py", (302, {"Location": "/loop.py"}, ""), "infinite loop"),
        ("/passwd", (302, {"Location": "file:///etc/passwd"}, ""), "is not allowed"),
        ("/empty.py", (200, {}, " \n"), "it is empty"),
    ],
)
def test_a_script_that_cannot_be_fetched_fails_the_task_and_names_the_url(
    runner: Runner, web: Web, path: str, answer: tuple[int, dict[str, str], str] | None, reason: str
) -> None:
    if answer:
        web.answers[path] = answer
    done = runner.run(RUN_SCRIPT, SCRIPT=web.url + path)
    assert done.code == 1
    assert done.last_lines.decode().startswith(f"cannot fetch the script from {web.url}{path}: ")
    assert reason in done.last_lines.decode()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/check.py", "Connection refused"),
        ("gopher://127.0.0.1/check.py", "unknown url type"),
        ("file:///no/such/check.py", "No such file"),
    ],
)
def test_a_server_that_is_not_there_fails_the_task_and_names_the_url(runner: Runner, url: str, reason: str) -> None:
    done = runner.run(RUN_SCRIPT, SCRIPT=url)
    assert done.code == 1
    assert f"cannot fetch the script from {url}: " in done.err
    assert reason in done.err


def test_a_name_and_password_in_the_url_are_sent_when_asked_for_and_never_printed(runner: Runner, web: Web) -> None:
    web.answers["/private.py"] = (401, {"WWW-Authenticate": 'Basic realm="x"'}, "print('let in')")
    with_password = web.url.replace("http://", "http://user:p%40ss@")
    assert runner.run(RUN_SCRIPT, SCRIPT=f"{with_password}/private.py").out == "let in\n"
    assert [sent for _, sent in web.asked] == [None, "Basic dXNlcjpwQHNz"]
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{with_password}/gone.py")
    assert done.code == 1
    assert "p%40ss" not in done.err
    assert "p@ss" not in done.err


def test_a_file_that_is_not_there_fails_the_task(runner: Runner) -> None:
    done = runner.run(RUN_SCRIPT, SCRIPT="/no/such/function.py")
    assert done.code == 2
    assert b"/no/such/function.py" in done.last_lines


def test_no_script_fails_the_task_and_says_what_is_missing(runner: Runner) -> None:
    done = runner.run(RUN_SCRIPT)
    assert done.code == 1
    assert done.err.startswith("SCRIPT is not set")


def test_a_fetched_script_finds_a_place_where_temporary_files_have_none(runner: Runner, web: Web) -> None:
    web.answers["/check.py"] = (200, {}, "print(__file__)")
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/check.py", TMPDIR="/proc/none")
    assert done.code == 0
    assert done.out.startswith("/dev/shm/")
    Path(done.out.strip()).unlink()
    Path(done.out.strip()).parent.rmdir()


def test_which_code_ran_is_said_of_a_file(runner: Runner) -> None:
    code = "print(1)  # é\n"
    done = run_file(runner, code)
    assert (done.code, done.out, done.err) == (0, "1\n", "")
    digest = hashlib.sha256(code.encode()).hexdigest()[:16]
    assert done.last_lines.decode() == f"code sha256:{digest}\n1"


def test_which_code_ran_is_said_of_what_was_fetched(runner: Runner, web: Web) -> None:
    web.answers["/check.py"] = (200, {}, "print(1)\n")
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/check.py")
    digest = hashlib.sha256(b"print(1)\n").hexdigest()[:16]
    assert done.last_lines.decode() == f"code sha256:{digest}\n1"


def test_of_what_could_not_be_fetched_no_code_is_said(runner: Runner, web: Web) -> None:
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/check.py")
    assert done.last_lines.startswith(b"cannot fetch the script")
