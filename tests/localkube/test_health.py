import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localkube import health


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()
        self.wfile.write(b"body")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_only_200_is_well(url: str) -> None:
    assert health.answers(f"{url}/well")
    assert not health.answers(f"{url}/ill")


def test_the_body_of_a_good_answer_comes_back(url: str) -> None:
    assert health.fetch(f"{url}/well") == b"body"


def test_nobody_there_is_not_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not health.answers(f"http://127.0.0.1:{port}/well")


def test_a_proxy_in_the_environment_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert health.answers(f"{url}/well")


def test_a_unix_socket_accepts_only_while_somebody_listens(tmp_path: Path) -> None:
    path = tmp_path / "containerd.sock"
    assert not health.accepts(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert health.accepts(path)
    assert not health.accepts(path)


def test_an_api_without_certificates_is_not_ready(tmp_path: Path) -> None:
    assert not health.Api(tmp_path).ready()


@pytest.mark.parametrize(
    ("thing", "status"),
    [
        (None, None),
        ({}, None),
        ({"status": {}}, None),
        ({"status": {"conditions": [{"type": "DiskPressure", "status": "False"}]}}, None),
        (
            {
                "status": {
                    "conditions": [{"type": "DiskPressure", "status": "False"}, {"type": "Ready", "status": "True"}]
                }
            },
            "True",
        ),
    ],
)
def test_a_condition_is_found_by_its_type(thing: dict[str, object] | None, status: str | None) -> None:
    assert health.condition(thing, "Ready") == status
