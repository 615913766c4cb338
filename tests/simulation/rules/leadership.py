"""Who may write: of all workers only the one that holds the Lease, at the moment at which it sends something."""

from collections.abc import Callable

from app.cluster import resources
from tests.simulation import clock
from tests.simulation.apiserver.client import Call
from tests.simulation.apiserver.server import Server
from tests.simulation.apiserver.store import Change

# What stays up without the Lease: the Lease itself, and events, which only tell.
_FREE = ("leases", "events")
# After somebody has deleted the Lease, its holder and the next one both go on for a while.
_UNSURE_SECONDS = 30.0


class Leadership:
    """`finding` is called with the rule's name and what is wrong."""

    def __init__(self, server: Server, finding: Callable[[str, str], None]) -> None:
        self._finding = finding
        self._holder = ""
        self._sure_from = 0.0
        server.subscribe(self._seen)

    def sent(self, call: Call) -> None:
        """A request on its way."""
        if not call.is_write or not call.by.startswith("worker") or call.resource in _FREE:
            return
        if self._holder != call.by and clock.seconds() >= self._sure_from:
            whose = f"it is {self._holder}'s" if self._holder else "it is nobody's"
            self._finding("lead", f"{call.by} sends {call} although it does not hold the Lease: {whose}")

    def _seen(self, change: Change) -> None:
        if change.resource != resources.LEASES:
            return
        if change.new is None:
            self._sure_from = clock.seconds() + _UNSURE_SECONDS
        self._holder = (change.new or {}).get("spec", {}).get("holderIdentity") or ""
