"""`/healthz` and `/readyz` over plain HTTP, for the kubelet."""

import asyncio
from collections.abc import Callable

from app.telemetry.plain_http import Page, PlainServer

Check = Callable[[], str]


class HealthServer:
    """Answers 200 when the check returns an empty string, else 503 with what it says is wrong."""

    def __init__(self, *, live: Check, ready: Check) -> None:
        async def healthz() -> Page:
            return _page(live())

        async def readyz() -> Page:
            return _page(ready())

        self._server = PlainServer({"/healthz": healthz, "/readyz": readyz})

    async def start(self, port: int, host: str = "") -> asyncio.Server:
        """Listens on all addresses unless `host` names one. Raises OSError if the port is taken."""
        return await self._server.start(port, host)


def _page(wrong: str) -> Page:
    return Page(wrong.encode(), "503 Service Unavailable") if wrong else Page(b"ok")
