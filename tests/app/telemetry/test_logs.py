"""Logs as a collector reads them."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from app.telemetry.logs import JsonFormatter, configure


def line(message: str = "hello", **extra: object) -> dict[str, object]:
    record = logging.getLogger("app.x").makeRecord("app.x", logging.WARNING, "f.py", 1, message, (), None, extra=extra)
    decoded = json.loads(JsonFormatter().format(record))
    assert isinstance(decoded, dict)
    return decoded


def test_a_line_is_one_object_with_the_message_and_what_was_given_beside_it() -> None:
    entry = line("gate opened", namespace="shop", pods=2)
    assert entry["message"] == "gate opened"
    assert entry["level"] == "warning"
    assert entry["logger"] == "app.x"
    assert (entry["namespace"], entry["pods"]) == ("shop", 2)


def test_a_value_that_json_has_no_word_for_is_written_as_text() -> None:
    assert line(key=("a", frozenset({"b"})))["key"] == ["a", "frozenset({'b'})"]


def test_line_breaks_stay_inside_the_line() -> None:
    record = logging.makeLogRecord({"msg": "one\ntwo", "levelname": "INFO", "name": "x"})
    assert "\n" not in JsonFormatter().format(record)


def test_an_exception_comes_with_its_traceback() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f.py", 1, "failed", (), sys.exc_info())
    assert "ValueError: broken" in json.loads(JsonFormatter().format(record))["error"]


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("restored")
def test_all_logs_of_the_process_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    logging.getLogger("anything").info("seen")
    logging.getLogger("anything").debug("not seen")
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(each)["message"] for each in err.splitlines()] == ["seen"]


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("client", ["httpx2", "httpcore2"])
def test_no_request_of_ours_is_a_line_with_its_url(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug")
    logging.getLogger(client).info("POST http://user:password@receiver/")
    assert "password" not in capsys.readouterr().err


@pytest.mark.usefixtures("restored")
def test_a_level_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure("loud")
