"""An ASGI application on a port: uvicorn's protocol behind a listener of our own.

uvicorn's own server cannot limit a TLS handshake, wakes up ten times a second, and takes the signals for itself.
"""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Final, Self

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.admission.deadline import REQUEST_SECONDS, DeadlineProtocol

HANDSHAKE_SECONDS: Final = 5.0
# Longer than the 90 s after which the API server drops an idle connection: were we first, it might just be using it.
IDLE_SECONDS: Final = 120
_GOODBYE_SECONDS: Final = 2.0


class Listener:
    """A port that is open. Made by `open`, ended by `close`."""

    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self._server = server
        self._state = state

    @classmethod
    async def open(
        cls,
        app: ASGIApp,
        *,
        host: str | None,
        port: int,
        tls: ssl.SSLContext | None = None,
        request_seconds: float = REQUEST_SECONDS,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> Self:
        """Serves `app` on `host` (None for every address) and `port` (0 for any free one). Raises OSError."""
        config = Config(
            app,
            http=DeadlineProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
        )
        config.load()
        state = ServerState()

        def protocol() -> DeadlineProtocol:
            return DeadlineProtocol(config, state, {}, request_seconds=request_seconds)

        server = await asyncio.get_running_loop().create_server(
            protocol,
            host,
            port,
            ssl=tls,
            backlog=config.backlog,
            ssl_handshake_timeout=handshake_seconds if tls else None,
            ssl_shutdown_timeout=_GOODBYE_SECONDS if tls else None,
        )
        return cls(server, state)

    @property
    def _connections(self) -> Iterator[DeadlineProtocol]:
        return (c for c in self._state.connections if isinstance(c, DeadlineProtocol))

    @property
    def port(self) -> int:
        """The port, also if it was chosen by the system."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def let_go(self) -> None:
        """Every answer from now on asks its client to open its next connection elsewhere (``Connection: close``)."""
        self._state.default_headers = [(b"connection", b"close")]

    async def close(self, grace: float) -> None:
        """Takes no more connections, closes the idle ones, and gives the others `grace` seconds to be answered."""
        self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.shutdown()
        try:
            async with asyncio.timeout(grace):
                await asyncio.gather(*(connection.closed.wait() for connection in connections))
        except TimeoutError:
            for connection in connections:
                connection.transport.abort()
