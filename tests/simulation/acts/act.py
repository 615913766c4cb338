"""What a simulated person or a fault does at some moment: the common form of both."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")


class Act(Protocol):
    """One thing to do. Its class's name is what it is counted by."""

    async def do(self, world: "World") -> str:
        """Does it, and says what it was; "" if there was nothing to do it to. May take simulated time."""
        ...


def pick(rng: random.Random, things: Sequence[T]) -> T | None:
    """One of them by chance, None if there are none."""
    return rng.choice(things) if things else None
