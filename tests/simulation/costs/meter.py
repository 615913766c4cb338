"""What each simulated process costs in CPU, apart from the cluster around it.

A loop runs one callback after another, and each belongs to the process that has set it off. So the CPU between two of
them is that of the first one's process, and reading a clock there is all that it takes: about a millionth of a second
for each, where a profiler would cost several times what it measures.
"""

import asyncio
import time
from collections import deque

from tests.simulation.loop import PROCESS, SimulatedLoop


class MeteredLoop(SimulatedLoop):
    """`spent` is seconds of CPU by process (see ``loop.PROCESS``). What is nobody's is under None.

    A process's end of the simulated connection counts as its own: it stands where HTTP and TLS would be. What the API
    server makes of a write does not, and what it makes of a read does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spent: dict[object, float] = {}
        self._ready = _Metered(self.spent)

    def _run_once(self) -> None:
        super()._run_once()  # type: ignore[misc]  # asyncio's own, which typeshed does not know of
        assert isinstance(self._ready, _Metered)
        self._ready.stop()


class _Metered(deque[asyncio.Handle]):
    """The callbacks that can run now. From when one is taken out, until the next is, its process has the CPU."""

    def __init__(self, spent: dict[object, float]) -> None:
        super().__init__()
        self._spent = spent
        self._process: object = None
        self._since = time.process_time()

    def popleft(self) -> asyncio.Handle:
        handle = super().popleft()
        context = handle._context  # type: ignore[attr-defined]
        self._turn(context.get(PROCESS))
        return handle

    def stop(self) -> None:
        """What the loop itself does until the next round is nobody's."""
        self._turn(None)

    def _turn(self, process: object) -> None:
        now = time.process_time()
        self._spent[self._process] = self._spent.get(self._process, 0.0) + now - self._since
        self._process, self._since = process, now
