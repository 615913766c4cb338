"""Which log lines are findings."""

import logging

from tests.simulation.holdfast.logs import ErrorLog
from tests.simulation.loop import PROCESS

log = logging.getLogger("app.worker.tasks")


class Process:
    name = "worker-1"
    dead = False


def fail(message: str) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception(message, extra={"controller": "tasks", "key": "shop/web"})


def test_exceptions_are_counted_and_the_first_are_kept() -> None:
    with ErrorLog() as errors:
        for _ in range(10):
            fail("reconciling failed")
        log.critical("two lead")
    assert errors.findings == {("reconciling failed", "ValueError"): 10, ("two lead", ""): 1}
    assert len(errors.first) == 5
    assert "app.worker.tasks: reconciling failed {'controller': 'tasks', 'key': 'shop/web'}" in errors.first[0]
    assert "ValueError: broken" in errors.first[0]


def test_expected_trouble_and_what_the_dead_say_count_for_nothing() -> None:
    process = Process()
    token = PROCESS.set(process)
    try:
        with ErrorLog() as errors:
            log.error("the lease could not be renewed in time")
            process.dead = True
            fail("reconciling failed")
            assert not errors.findings
            process.dead = False
            fail("reconciling failed")
            assert errors.first[0].startswith("worker-1 app.worker.tasks")
    finally:
        PROCESS.reset(token)


def test_logging_is_as_before_afterwards() -> None:
    logger = logging.getLogger("app")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with ErrorLog():
        assert not log.isEnabledFor(logging.WARNING)
    assert (logger.level, logger.propagate, logger.handlers) == before
