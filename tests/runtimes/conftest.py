"""Runs the runner images' programs as they are, on this machine, without an image."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

RUNTIMES = Path(__file__).resolve().parents[2] / "runtimes"
PROGRAMS = Path(sys.executable).parent  # deno among them, installed with the tests' packages


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str
    last_lines: bytes


@dataclass(slots=True)
class Runner:
    """`run-task` with an environment of its own and a termination log in a temporary folder."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / "termination-log"

    def command(self, *command: str) -> list[str]:
        self.log.touch()
        return [str(RUNTIMES / "run-task"), "--termination-log", str(self.log), *command]

    def full_environment(self, **more: str) -> dict[str, str]:
        path = f"{PROGRAMS}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": "/nonexistent", "TMPDIR": str(self.folder), **self.environment, **more}

    def run(self, *command: str, **environment: str) -> Outcome:
        done = subprocess.run(
            self.command(*command),
            env=self.full_environment(**environment),
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(), self.log.read_bytes()
        )

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*command),
            env=self.full_environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@dataclass(slots=True)
class Web:
    """A web server on loopback. `answers` maps a path to (code, headers, body)."""

    url: str
    answers: dict[str, tuple[int, dict[str, str], str]]
    asked: list[tuple[str, str | None]]


@pytest.fixture
def web() -> Iterator[Web]:
    answers: dict[str, tuple[int, dict[str, str], str]] = {}
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            code, headers, body = answers.get(self.path, (404, {}, "no such script"))
            if code == 401 and self.headers.get("Authorization"):
                code, headers = 200, {}
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Web(f"http://127.0.0.1:{server.server_port}", answers, asked)
        server.shutdown()
        thread.join()
