"""A real HTTP server on this machine that answers as a test tells it to, for what only a socket can show."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from app.cluster import kube, transport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """``handler`` answers each request; ``requests`` keeps what was asked."""

    handler: Handler
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""
    port: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.requests.append(request)
        return await self.handler(request)

    def api(self, **options: float) -> kube.KubeApi:
        configuration = transport.Configuration(host=self.url)
        return kube.KubeApi(configuration, **options)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Server]:
    server = Server(handler)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    listener = TestServer(app, port=port or None, scheme="https" if tls else "http")
    await listener.start_server(ssl=tls)
    server.port = listener.port or 0
    server.url = f"{'https' if tls else 'http'}://localhost:{server.port}"
    try:
        yield server
    finally:
        await listener.close()
