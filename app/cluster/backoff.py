"""How long to wait before the next try."""

import random


def delay(failures: int, *, base: float, cap: float, rng: random.Random) -> float:
    """Seconds to wait after that many failures in a row: doubling from ``base`` to ``cap``, less up to half by chance.

    Chance keeps the many that failed together from coming back together.
    """
    return min(cap, base * 2.0 ** min(failures - 1, 40)) * rng.uniform(0.5, 1.0)
