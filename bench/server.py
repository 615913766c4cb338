"""What the API server says as plain text, beside the objects that it serves."""

import aiohttp
import orjson

from app.cluster.transport import Transport, load_configuration


class ServerError(Exception):
    """The API server does not let us read what the measurement needs."""


class Server:
    """The API server that `$KUBECONFIG` names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    async def connect(cls) -> "Server":
        return cls(Transport(await load_configuration()))

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def metrics(self) -> str:
        """The metrics page. Raises ServerError if we may not read it."""
        return (await self._text("/metrics")).decode()

    async def version(self) -> str:
        """Like `v1.34.4`."""
        return str(orjson.loads(await self._text("/version"))["gitVersion"])

    async def _text(self, path: str) -> bytes:
        limits = aiohttp.ClientTimeout(total=30)
        try:
            async with await self._transport.request("GET", path, [], {"Accept": "*/*"}, None, limits) as response:
                if response.status != 200:
                    raise ServerError(f"GET {path}: {response.status}")
                return await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise ServerError(f"GET {path}: {error}") from error
