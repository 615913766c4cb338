from collections.abc import AsyncIterator

import pytest

from tests.simulation.controllers.shop import Shop, opened


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with opened(Shop()) as shop:
        yield shop
