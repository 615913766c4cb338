"""What Holdfast uses of the official client: configuration, authentication and HTTP.

The package's ``__init__`` modules import the synchronous client, its informer, OAuth and more: 10 MiB and 290 modules
that nothing here calls, in a process that may hold 75 MiB. So the four packages on the way to the modules that we need
are entered with empty stand-ins in place of their ``__init__``. The stand-ins are taken away again at once, and anyone
who imports ``kubernetes`` afterwards gets the real one.
"""

import contextlib
import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import aiohttp

__all__ = ["Configuration", "Transport", "incluster_config", "load_configuration"]

_PACKAGES = ("kubernetes", "kubernetes.aio", "kubernetes.aio.config", "kubernetes.aio.utils")


@contextlib.contextmanager
def _without_package_code() -> Iterator[None]:
    spec = importlib.util.find_spec("kubernetes") if "kubernetes" not in sys.modules else None
    if spec is None or not spec.submodule_search_locations:
        yield
        return
    root = spec.submodule_search_locations[0]
    for name in _PACKAGES:
        stand_in = ModuleType(name)
        stand_in.__path__ = ["/".join((root, *name.split(".")[1:]))]
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        for name in _PACKAGES:
            del sys.modules[name]


with _without_package_code():
    from kubernetes.aio.client.api_client import ApiClient
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.client.rest import RESTClientObject
    from kubernetes.aio.config import incluster_config


async def load_configuration() -> Configuration:
    """Where the API server is and who we are: the pod's service account, else ``$KUBECONFIG`` or ``~/.kube/config``.

    A service account's token is read again each minute, so that a rotated one is picked up. Raises the client's
    ``ConfigException`` when there is neither.
    """
    configuration = Configuration()
    if incluster_config.SERVICE_HOST_ENV_NAME in os.environ:
        incluster_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        with _without_package_code():
            from kubernetes.aio.config import kube_config

        await kube_config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=os.environ.get("KUBECONFIG"), client_configuration=configuration, persist_config=False
        )
    return configuration


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices within half a minute that the other side has gone, however silently.

    A watch may be quiet for minutes. When a firewall or a dead node swallows its packets, only the kernel can tell.
    """
    family, kind, protocol = address[:3]
    connection = socket.socket(family=family, type=kind, proto=protocol)
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    ):
        if hasattr(socket, option):  # not every system has all four
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return connection


class _Rest(RESTClientObject):
    def _create_connector(self) -> aiohttp.TCPConnector:
        # No limit here: KubeApi limits requests, and watches hold their connections.
        return aiohttp.TCPConnector(limit=0, ssl=self.ssl_context, socket_factory=_socket)


class Transport:
    """HTTP to one API server, authenticated."""

    def __init__(self, configuration: Configuration) -> None:
        configuration.client_session_kwargs = {"trust_env": False}  # a proxy in the environment is not for us
        # Python 3.13 asks of certificates what many a cluster's own CA never wrote into them (an authority key
        # identifier above all), and no other Kubernetes client asks. Signatures, dates and names are checked still.
        configuration.disable_strict_ssl_verification = True
        self._configuration = configuration
        self._client: Any = ApiClient(configuration)
        self._client.rest_client = _Rest(configuration)
        self._client.user_agent = "holdfast"

    async def request(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        body: object,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """The response with its body unread, whatever its status. Raises aiohttp's errors, TimeoutError or OSError."""
        method, url, headers, body, _ = await self._client.param_serialize(
            method, path, query_params=query, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        answer = await self._client.call_api(method, url, headers, body, _request_timeout=limits)
        response: aiohttp.ClientResponse = answer.response
        return response

    def reload_authorities(self) -> None:
        """Also trusts what the CA file holds by now, for an API server whose CA was rotated."""
        if self._configuration.ssl_ca_cert:
            self._client.rest_client.ssl_context.load_verify_locations(cafile=self._configuration.ssl_ca_cert)

    async def aclose(self) -> None:
        await self._client.close()
