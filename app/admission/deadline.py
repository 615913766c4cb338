"""A deadline for every request, however slowly it comes.

uvicorn limits only how long a connection may rest between two requests: slow headers and slow bodies stay open for more
than a minute. Here a request has a fixed time from its first byte (or from the connection, for the first one) to the
last byte of its answer, after which the connection is cut.
"""

import asyncio
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

REQUEST_SECONDS: Final = 8.0


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with one timer, set while somebody owes somebody a byte."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._request_seconds = request_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._receiving = False
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        # Bytes before the request line, such as empty lines, start no request for the parser, but do for us.
        self._start_timer()
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._receiving = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._receiving = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._receiving:
            return  # answered before it had all come (413): the rest is due by the same deadline
        self._stop_timer()
        if not self.cycle.response_complete:
            self._start_timer()  # a pipelined request is next

    def _start_timer(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self._request_seconds, self._cut)

    def _stop_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        # Not close(): that would wait for a peer that does not read either.
        self.transport.abort()
