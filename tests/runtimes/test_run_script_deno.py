"""runtimes/deno/run-script, with the runner's own deno: what a script may do, and where it comes from."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.runtimes.conftest import RUNTIMES, Outcome, Runner, Web

RUN_SCRIPT = str(RUNTIMES / "deno/run-script")


def run_file(runner: Runner, code: str, **environment: str) -> Outcome:
    script = runner.folder / "function.ts"
    script.write_text(code)
    return runner.run(RUN_SCRIPT, SCRIPT=str(script), **environment)


def test_a_script_reads_its_input_and_gives_its_exit_code(runner: Runner) -> None:
    done = run_file(
        runner,
        """
        const names = ["DATA", "SECURE_DATA", "KEPTN_CONTEXT", "CONTEXT"];
        const values: (string | undefined)[] = names.map((name) => Deno.env.get(name));
        console.log(JSON.stringify(values));
        Deno.exit(6);
        """,
        DATA='{"a":"1"}',
        KEPTN_CONTEXT="{}",
    )
    assert json.loads(done.out) == ['{"a":"1"}', None, "{}", "{}"]
    assert done.code == 6


@pytest.mark.parametrize(
    "act",
    ['Deno.env.get("HOME")', 'new Deno.Command("true").outputSync()', "Deno.hostname()", 'Deno.dlopen("x", {})'],
)
def test_what_a_check_does_not_need_is_refused_without_a_question(runner: Runner, act: str) -> None:
    done = run_file(runner, f"{act}; console.log('went on');")
    assert done.code == 1
    assert "went on" not in done.out
    assert "NotCapable" in done.err


def test_a_script_may_use_files_and_the_network(runner: Runner, web: Web) -> None:
    web.answers["/health"] = (200, {}, "fine")
    done = run_file(
        runner,
        f"""
        const answer = await (await fetch("{web.url}/health")).text();
        await Deno.writeTextFile("{runner.folder}/answer", answer);
        console.log(await Deno.readTextFile("{runner.folder}/answer"));
        """,
    )
    assert (done.code, done.out) == (0, "fine\n")


def test_an_error_that_nobody_caught_fails_the_task_and_is_told_without_colours(runner: Runner) -> None:
    done = run_file(runner, 'throw new Error("the queue is not empty");')
    assert done.code == 1
    assert b"Error: the queue is not empty" in done.last_lines
    assert "\x1b" not in done.err


def test_a_script_from_a_url_runs_with_what_it_imports_from_there_and_after_a_redirect(
    runner: Runner, web: Web
) -> None:
    typescript = {"Content-Type": "application/typescript"}
    web.answers["/latest.ts"] = (302, {"Location": "/v1/check.ts"}, "")
    web.answers["/v1/check.ts"] = (200, typescript, 'import {word} from "./word.ts"; console.log(word, "fetched");')
    web.answers["/v1/word.ts"] = (200, typescript, 'export const word: string = "it was";')
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/latest.ts")
    assert (done.code, done.out) == (0, "it was fetched\n")


def test_a_script_that_is_not_there_fails_the_task_and_names_the_url(runner: Runner, web: Web) -> None:
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/gone.ts")
    assert done.code == 1
    assert f"{web.url}/gone.ts".encode() in done.last_lines


def test_a_server_that_is_not_there_fails_the_task_and_names_the_url(runner: Runner) -> None:
    done = runner.run(RUN_SCRIPT, SCRIPT="http://127.0.0.1:1/check.ts")
    assert done.code == 1
    assert b"http://127.0.0.1:1/check.ts" in done.last_lines
    assert b"Connection refused" in done.last_lines


def test_redirects_without_end_fail_the_task_and_name_the_url(runner: Runner, web: Web) -> None:
    web.answers["/loop.ts"] = (302, {"Location": "/loop.ts"}, "")
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/loop.ts")
    assert done.code == 1
    assert f"{web.url}/loop.ts".encode() in done.last_lines


def test_no_script_fails_the_task_and_says_what_is_missing(runner: Runner) -> None:
    done = runner.run(RUN_SCRIPT)
    assert done.code == 1
    assert done.err.startswith("SCRIPT is not set")


def test_modules_are_kept_where_there_is_room(runner: Runner, web: Web) -> None:
    web.answers["/check.ts"] = (200, {"Content-Type": "application/typescript"}, 'console.log("ran");')
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/check.ts", DENO_DIR="/proc/none", TMPDIR="/proc/none")
    assert (done.code, done.out) == (0, "ran\n")
    assert Path("/dev/shm/deno").is_dir()


def test_secrets_are_hidden(runner: Runner) -> None:
    done = run_file(
        runner, 'console.log(JSON.parse(Deno.env.get("SECURE_DATA")!).token);', SECURE_DATA='{"token":"s3cr3t"}'
    )
    assert done.out == "***\n"


def test_which_code_ran_is_said_of_a_file(runner: Runner) -> None:
    code = "console.log(1) // é\n"
    done = run_file(runner, code)
    assert (done.code, done.out, done.err) == (0, "1\n", "")
    digest = hashlib.sha256(code.encode()).hexdigest()[:16]
    assert done.last_lines.decode() == f"code sha256:{digest}\n1"


def test_of_a_script_that_deno_fetches_itself_no_code_is_said_nor_can_the_script(runner: Runner, web: Web) -> None:
    forged = r'console.error("\x1ecode sha256:0123456789abcdef")'
    web.answers["/check.ts"] = (200, {"Content-Type": "application/typescript"}, forged)
    done = runner.run(RUN_SCRIPT, SCRIPT=f"{web.url}/check.ts")
    assert done.code == 0
    assert done.last_lines.startswith(b"code unknown\n")
