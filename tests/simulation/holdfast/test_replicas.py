import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from app.cluster import resources
from tests.simulation import loop
from tests.simulation.apiserver.client import fine
from tests.simulation.apiserver.server import Server
from tests.simulation.holdfast.processes import INSTALLATION, WebhookProcess, WorkerProcess
from tests.simulation.holdfast.replicas import Replica

Kind = type[WorkerProcess] | type[WebhookProcess]


def with_replica(kind: Kind, body: Callable[[Replica], Awaitable[None]]) -> list[BaseException | None]:
    """Runs `body` beside a replica of that kind. How its processes have ended."""
    ends: list[BaseException | None] = []

    async def main() -> None:
        server = Server(random.Random(1))
        await server.create(resources.NAMESPACES, {"metadata": {"name": INSTALLATION}}, by="user")
        replica = Replica(
            "replica-1",
            kind,
            server,
            random.Random(1),
            latency=(0.001, 0.002),
            fate=fine,
            ended=lambda name, error: ends.append(error),
        )
        running = asyncio.create_task(replica.run())
        await asyncio.sleep(2.0)
        await body(replica)
        replica.crash()
        running.cancel()
        await asyncio.wait((running,))

    loop.run(main())
    return ends


@pytest.mark.parametrize("kind", [WorkerProcess, WebhookProcess])
def test_one_that_is_killed_is_another_process_soon(kind: Kind) -> None:
    async def body(replica: Replica) -> None:
        process, client = replica.process, replica.client
        replica.crash()
        assert not process.alive
        await asyncio.sleep(3.0)
        assert replica.alive
        assert replica.process is not process
        assert replica.client is not client
        assert replica.restarts == 1

    assert with_replica(kind, body)[:1] == [None]


@pytest.mark.parametrize("kind", [WorkerProcess, WebhookProcess])
def test_one_that_is_told_to_end_is_another_process_some_time(kind: Kind) -> None:
    async def body(replica: Replica) -> None:
        replica.terminate()
        await asyncio.sleep(60.0)
        assert replica.alive
        assert replica.restarts == 1

    with_replica(kind, body)


def test_a_frozen_one_hears_of_no_signal_to_end() -> None:
    async def body(replica: Replica) -> None:
        replica.freeze()
        replica.terminate()
        await asyncio.sleep(5.0)
        assert replica.alive
        replica.thaw()
        await asyncio.sleep(5.0)
        assert replica.restarts == 0

    with_replica(WorkerProcess, body)


def test_a_worker_leads_and_a_webhook_is_ready() -> None:
    async def leads(replica: Replica) -> None:
        assert (replica.leading, replica.ready) == (True, False)

    async def answers(replica: Replica) -> None:
        assert (replica.leading, replica.ready) == (False, True)

    with_replica(WorkerProcess, leads)
    with_replica(WebhookProcess, answers)


def test_a_webhook_that_is_not_there_gives_no_answer() -> None:
    async def body(replica: Replica) -> None:
        replica.crash()
        with pytest.raises(ConnectionError):
            await replica.review("/mutate", b"{}")

    with_replica(WebhookProcess, body)
