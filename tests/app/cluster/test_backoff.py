import random

from app.cluster import backoff


def test_waits_double_up_to_the_cap_and_never_fall_below_half() -> None:
    rng = random.Random(1)
    for failures, most in ((1, 0.1), (2, 0.2), (5, 1.6), (7, 4.0), (10_000, 4.0)):
        waits = [backoff.delay(failures, base=0.1, cap=4.0, rng=rng) for _ in range(200)]
        assert most / 2 <= min(waits) < most * 0.6
        assert most * 0.9 < max(waits) <= most
