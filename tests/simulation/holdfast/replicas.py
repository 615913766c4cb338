"""Holdfast's pods: each runs one process after another, as the kubelet restarts a container that has ended."""

import asyncio
import random
from collections.abc import Callable

from tests.simulation.apiserver.client import Call, Client, Fate
from tests.simulation.apiserver.server import Server
from tests.simulation.holdfast.processes import Process, WebhookProcess, WorkerProcess

_RESTART_SECONDS = (0.05, 2.0)


class Replica:
    """One pod, and the process that runs in it now. `fate` is what becomes of everybody's requests."""

    def __init__(
        self,
        name: str,
        make: Callable[[str, Client, random.Random], Process],
        server: Server,
        rng: random.Random,
        *,
        latency: tuple[float, float],
        fate: Callable[[Call], Fate],
        ended: Callable[[str, BaseException | None], None],
    ) -> None:
        self.name = name
        self.restarts = 0
        self._make = make
        self._server = server
        self._rng = rng
        self._latency = latency
        self._fate = fate
        self._ended = ended
        self.client, self.process = self._new()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.process.start()
            await self.process.exited.wait()
            self._ended(self.name, self.process.error)
            await asyncio.sleep(self._rng.uniform(*_RESTART_SECONDS))
            self.restarts += 1
            self.client, self.process = self._new()

    @property
    def alive(self) -> bool:
        return self.process.alive

    @property
    def leading(self) -> bool:
        return isinstance(self.process, WorkerProcess) and self.process.leading

    @property
    def ready(self) -> bool:
        return isinstance(self.process, WebhookProcess) and self.process.ready

    def crash(self) -> None:
        if self.alive:
            self.process.crash()

    def terminate(self) -> None:
        if self.alive and not self.process.frozen:
            self.process.terminate()

    def freeze(self) -> None:
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()

    async def review(self, path: str, body: bytes) -> bytes:
        """Raises ConnectionError."""
        assert isinstance(self.process, WebhookProcess)
        await asyncio.sleep(self._rng.uniform(*self._latency))
        return await self.process.review(path, body)

    def _new(self) -> tuple[Client, Process]:
        client = Client(self._server, self.name, self._rng)
        client.network.latency = self._latency
        client.network.fate = self._fate
        return client, self._make(self.name, client, random.Random(self._rng.getrandbits(64)))
