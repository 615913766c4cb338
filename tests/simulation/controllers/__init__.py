"""The controllers of a cluster, as far as Holdfast sees what they do."""

import random
from collections.abc import Callable
from typing import Protocol

from tests.simulation.apiserver.server import Server


class Runs(Protocol):
    async def run(self) -> None:
        """Until cancelled."""


# All of them, in the order in which they are started.
CONTROLLERS: tuple[Callable[[Server, random.Random], Runs], ...] = ()
