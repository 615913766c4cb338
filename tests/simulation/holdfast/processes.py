"""Holdfast's own processes in a simulation: the real code of `app`, started, stopped and killed.

An object is one process, from its start to its end; whoever plays the kubelet makes the next one. Everything that it
starts carries it in the loop's ``PROCESS``, so that it can be frozen as a whole and its log lines have a name.
"""

import asyncio
import contextvars
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from app import settings
from app.admission.server import DRAIN_SECONDS
from app.admission.webhook import Webhook
from app.cluster.api import Api
from app.cluster.leader import LeadershipLost
from app.lifecycle import python_syntax
from app.worker.main import Worker
from tests.simulation import clock
from tests.simulation.holdfast import asgi
from tests.simulation.loop import PROCESS, SimulatedLoop

INSTALLATION = "keptn-system"

log = logging.getLogger(__name__)

T = TypeVar("T")


class Connection(Api, Protocol):
    """A process's own way to the API server. Once `dead`, no call returns, and nothing of it reaches the server."""

    dead: bool


class Process(ABC):
    """What is common to both roles.

    `exited` is set once it has ended, however; `error` says of what, None when it was told to end or killed.
    A LeadershipLost is business as usual, and everything else a bug, which is also logged.
    """

    def __init__(self, name: str, connection: Connection, rng: random.Random, **environment: str) -> None:
        self.name = name
        self.exited = asyncio.Event()
        self.error: BaseException | None = None
        self.frozen = False
        self._rng = rng
        self._connection = connection
        self._settings = settings.from_environment(
            {"POD_NAMESPACE": INSTALLATION, "POD_NAME": name, "CERTIFICATE_SOURCE": "external"} | environment
        )
        self._main: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, self)

    @property
    def alive(self) -> bool:
        """Started and not ended. A frozen one is alive."""
        return self._main is not None and not self.exited.is_set()

    @property
    def dead(self) -> bool:
        """Killed."""
        return self._connection.dead

    def crash(self) -> None:
        """Ends it at once, as kill -9: what it was about to do, and all tidying up, comes to nothing."""
        self._connection.dead = True
        self.thaw()
        self._cancel()
        self.exited.set()

    def freeze(self) -> None:
        """Stops it where it is, as SIGSTOP: it does nothing and hears nothing, and time passes. Needs SimulatedLoop."""
        self.frozen = True
        _loop().freeze(self)

    def thaw(self) -> None:
        """Lets it go on, as SIGCONT. Nothing happens to one that is not frozen."""
        if self.frozen:
            self.frozen = False
            _loop().thaw(self)

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def terminate(self) -> None: ...

    def _begin(self, main: Coroutine[Any, Any, None]) -> None:
        if self._main is not None:
            raise RuntimeError(f"{self.name} was started before")
        self._main = self._task(main)
        self._main.add_done_callback(self._over)

    def _task(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return asyncio.get_running_loop().create_task(coroutine, context=self._context)

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _over(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if self.dead:
            return
        if isinstance(error, BaseExceptionGroup):
            lost, others = error.split(LeadershipLost)
            error = others or (lost and lost.exceptions[0])
        self.error = error
        if error is not None and not isinstance(error, LeadershipLost):
            log.error("a process ended by an error of its own", exc_info=error, extra={"key": self.name})
        self.exited.set()


class WorkerProcess(Process):
    """One replica of the worker."""

    def __init__(self, name: str, connection: Connection, rng: random.Random, **environment: str) -> None:
        super().__init__(name, connection, rng, **environment)
        self._worker = Worker(self._settings, connection, rng, clock.now)

    def start(self) -> None:
        self._begin(self._worker.run())

    def terminate(self) -> None:
        """SIGTERM. It stops its work, gives its Lease back, and exits."""
        self._cancel()

    @property
    def leading(self) -> bool:
        """Whether it holds the Lease by its own reckoning, and could act on it."""
        return self.alive and self._worker.leading

    @property
    def not_live(self) -> str:
        """Why its liveness probe would fail; empty if it would not."""
        return self._worker.live()

    @property
    def not_ready(self) -> str:
        """Why its readiness probe would fail; empty if it would not. A leader needs a Secret with certificates."""
        return self._worker.ready()


class WebhookProcess(Process):
    """One replica of the webhook. Its scripts' syntax is looked at in this process."""

    def __init__(self, name: str, connection: Connection, rng: random.Random) -> None:
        super().__init__(name, connection, rng)
        self._webhook = Webhook.build(self._settings, connection, rng, check_python=_check_python)
        self._stop = asyncio.Event()
        self._answering: dict[asyncio.Task[tuple[int, bytes]], None] = {}

    def start(self) -> None:
        self._begin(self._serve())

    def terminate(self) -> None:
        """SIGTERM. It is ready no more, answers for a while those who have not heard of that, and exits."""
        self._stop.set()

    def crash(self) -> None:
        super().crash()
        for task in self._answering:
            task.cancel()

    @property
    def ready(self) -> bool:
        """Whether new connections should be sent to it."""
        return self.alive and not self._stop.is_set() and not self._webhook.caches.missing

    async def review(self, path: str, body: bytes) -> bytes:
        """Its answer to a review. Raises ConnectionError where the API server would get none that it can use."""
        if not self.alive or self._webhook.caches.missing:
            raise ConnectionError(f"{self.name} is not there")
        task = self._task(asgi.post(self._webhook.app, path, body))
        self._answering[task] = None
        task.add_done_callback(self._answered)
        await asyncio.wait((task,))  # who asks may give up; the answer is made all the same
        if task.cancelled():
            raise ConnectionError(f"{self.name} has died")
        if error := task.exception():
            raise ConnectionError(f"{self.name} failed") from error
        status, answer = task.result()
        if status != 200:
            raise ConnectionError(f"{self.name} answered {status}: {answer!r}")
        return answer

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            caches = group.create_task(self._webhook.caches.run())
            await self._stop.wait()
            await asyncio.sleep(DRAIN_SECONDS)
            caches.cancel()

    def _answered(self, task: "asyncio.Task[tuple[int, bytes]]") -> None:
        del self._answering[task]
        if not task.cancelled() and (error := task.exception()) and not self.dead:
            log.error("a review failed", exc_info=error, extra={"key": self.name})


async def _check_python(code: str) -> python_syntax.Fault | None:
    return python_syntax.check(code)


def _loop() -> SimulatedLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop), "only a SimulatedLoop can stop a process"
    return loop
