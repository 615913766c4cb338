"""One worker at a time, by a Lease.

The Lease says who leads and for how long from when it was last renewed. Clocks of two machines cannot be compared, so
a candidate waits that long by its own clock after it last saw the Lease change, and the leader counts from before it
sent a renewal: its time is always up first. Between ``renew_deadline`` and ``lease_duration`` lies the time that the
led work has to stop. All writes name the resourceVersion that they are based on, so of two candidates one is refused.

The Lease has the same form as the one of Go's controllers, so that a Keptn that still runs and Holdfast, holding the
same one, never lead together.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from app.cluster import errors, resources
from app.cluster.api import Api, Json

log = logging.getLogger(__name__)

_RELEASE_SECONDS = 3.0


class LeadershipLost(Exception):
    """The Lease could not be renewed in time, or somebody else has it. The led work has been stopped."""


class LeaderElector:
    """Leads by the Lease ``name`` as ``identity``, which must be unique among the processes alive.

    Times are seconds of the event loop's clock; ``now`` is asked only for the times that are written for people.
    ``renew_deadline`` must leave the led work time to stop before ``lease_duration`` is over.
    """

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        name: str,
        identity: str,
        now: Callable[[], datetime],
        rng: random.Random,
        lease_duration: float = 15.0,
        renew_deadline: float = 10.0,
        retry_period: float = 2.0,
    ) -> None:
        if not retry_period * 2 < renew_deadline < lease_duration:
            raise ValueError("a lease needs 2 * retry_period < renew_deadline < lease_duration")
        self.identity = identity
        self._api = api
        self._namespace = namespace
        self._name = name
        self._now = now
        self._rng = rng
        self._duration = lease_duration
        self._deadline = renew_deadline
        self._retry = retry_period
        self._lease: Json = {}
        self._seen_at = 0.0
        self._leads_until = float("-inf")

    @property
    def leading(self) -> bool:
        """Whether we lead, beyond doubt, at this moment. False already when a renewal is overdue.

        A process that was frozen and wakes up can ask before it writes: nobody else had the Lease while this is true.
        """
        return asyncio.get_running_loop().time() < self._leads_until

    @property
    def holder(self) -> str:
        """Who holds the Lease as far as we have seen; empty for nobody."""
        return str((self._lease.get("spec") or {}).get("holderIdentity") or "")

    async def run(self, led: Callable[[], Awaitable[None]]) -> None:
        """Waits for the Lease, runs ``led`` while we have it, and returns, or raises, as ``led`` does.

        Raises LeadershipLost after stopping ``led`` when the Lease cannot be renewed. Calling ``run`` again stands by
        again. Whenever ``led`` has ended, also when this is cancelled, the Lease is given back for others to take at
        once.
        """
        await self._acquire()
        log.info("leading", extra={"lease": self._name, "identity": self.identity})
        work = asyncio.ensure_future(led())
        renewal = asyncio.create_task(self._keep())
        try:
            await asyncio.wait((work, renewal), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Renewal goes on while the work winds up, so that nobody takes over before it has.
            await self._stop(work)
            await self._stop(renewal)
            if not renewal.cancelled() and (error := renewal.exception()):
                log.error("renewing failed unexpectedly", exc_info=error)
            still_ours = self.leading
            self._leads_until = float("-inf")
            if still_ours:
                await self._release()
            log.info("leading no more", extra={"lease": self._name, "identity": self.identity})
        if work.cancelled():
            raise LeadershipLost(f"the lease {self._name} was lost to {self.holder or 'nobody'}")
        work.result()

    async def _acquire(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._deadline / 2):
                    if await self._try():
                        return
            except (errors.ApiError, TimeoutError, OSError) as error:
                log.warning("the lease cannot be read or taken", extra={"lease": self._name, "error": str(error)})
            await asyncio.sleep(self._retry * self._rng.uniform(0.8, 1.2))

    async def _keep(self) -> None:
        """Renews until that is no longer possible, then returns, at the latest when the deadline has come."""
        about = {"lease": self._name, "identity": self.identity}
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout_at(self._leads_until):
                    await asyncio.sleep(self._retry * self._rng.uniform(0.8, 1.2))
                    try:
                        async with asyncio.timeout(self._deadline / 2):
                            if not await self._try():
                                log.error("the lease was taken by another", extra=about | {"holder": self.holder})
                                self._leads_until = float("-inf")
                                return
                    except (errors.ApiError, TimeoutError, OSError) as error:
                        log.warning("the lease could not be renewed", extra=about | {"error": str(error)})
        log.error("the lease could not be renewed in time", extra=about)

    async def _try(self) -> bool:
        """Takes or renews the Lease if that is for us to do. Whether it is ours now."""
        started = asyncio.get_running_loop().time()
        try:
            if not self.leading:
                self._saw(await self._api.get(resources.LEASES, self._name, self._namespace))
            if not self._is_for_us():
                return False
            self._saw(await self._write(self._spec()))
        except errors.NotFound:
            if not self._is_for_us():
                return False  # somebody deleted it, which does not stop its holder
            self._saw(await self._create())
        except errors.Conflict:
            # Somebody wrote it in between: perhaps ourselves, if the answer to that was lost.
            self._saw(await self._api.get(resources.LEASES, self._name, self._namespace))
            if self.holder != self.identity:
                return False
            self._saw(await self._write(self._spec()))
        self._leads_until = started + self._deadline
        return True

    def _is_for_us(self) -> bool:
        if self.holder in ("", self.identity):
            return True
        term = max(self._duration, float(self._lease["spec"].get("leaseDurationSeconds") or 0))
        return asyncio.get_running_loop().time() > self._seen_at + term

    def _saw(self, lease: Json) -> None:
        if lease["metadata"]["resourceVersion"] != (self._lease.get("metadata") or {}).get("resourceVersion"):
            self._seen_at = asyncio.get_running_loop().time()
        self._lease = lease

    def _spec(self) -> Json:
        now = f"{self._now().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        spec: Json = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(self._duration),
            "renewTime": now,
        }
        if self.holder != self.identity:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int((self._lease.get("spec") or {}).get("leaseTransitions") or 0) + 1
        return spec

    async def _create(self) -> Json:
        body: Json = {
            "apiVersion": resources.LEASES.api_version,
            "kind": resources.LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._spec() | {"leaseTransitions": 0},
        }
        return await self._api.create(resources.LEASES, body, self._namespace)

    async def _write(self, spec: Json) -> Json:
        body = {"metadata": {"resourceVersion": self._lease["metadata"]["resourceVersion"]}, "spec": spec}
        return await self._api.patch(resources.LEASES, self._name, body, self._namespace)

    async def _release(self) -> None:
        """Gives the Lease back; failing that, it runs out by itself."""
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._write({"holderIdentity": "", "leaseDurationSeconds": 1})
        except Exception as error:
            log.warning("the lease could not be given back", extra={"lease": self._name, "error": repr(error)})

    async def _stop(self, task: asyncio.Future[None]) -> None:
        """Cancels it and waits until it has ended, however. Being cancelled oneself meanwhile does not hurry it."""
        task.cancel()
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                _, late = await asyncio.wait((task,), timeout=self._duration - self._deadline)
                if late and not self.leading:
                    log.critical("the led work does not stop although others may lead now", extra={"lease": self._name})
