"""Asking the parts whether they are well."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from localkube.settings import API_URL, NODE_NAME

TIMEOUT_SECONDS = 2.0


def answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a URL answers with 200."""
    return fetch(url, context) is not None


def fetch(url: str, context: ssl.SSLContext | None = None) -> bytes | None:
    """The body of a 200 answer; None for any other answer and when there is none."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read()
            return body if answer.status == 200 else None
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return None


def unverified() -> ssl.SSLContext:
    """For the controller manager's and the scheduler's health on loopback: they sign for themselves at every start."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def accepts(path: Path) -> bool:
    """Whether somebody accepts connections on a unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(TIMEOUT_SECONDS)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Api:
    """The API server, seen as the cluster's admin."""

    pki: Path

    def get(self, path: str) -> dict[str, object] | None:
        """An object by its path; None when it is not there or the API does not answer."""
        body = fetch(API_URL + path, self._context())
        if body is None:
            return None
        content = json.loads(body)
        return content if isinstance(content, dict) else None

    def ready(self) -> bool:
        """Whether the API server calls itself ready."""
        try:
            return answers(f"{API_URL}/readyz", self._context())
        except OSError:
            return False

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        return context


def node_ready(api: Api) -> bool:
    """Whether the node is registered and Ready."""
    return condition(api.get(f"/api/v1/nodes/{NODE_NAME}"), "Ready") == "True"


def condition(thing: dict[str, object] | None, kind: str) -> str | None:
    """The status of one condition of an object."""
    status = thing.get("status") if thing else None
    conditions = status.get("conditions") if isinstance(status, dict) else None
    for entry in conditions if isinstance(conditions, list) else []:
        if isinstance(entry, dict) and entry.get("type") == kind:
            return str(entry.get("status"))
    return None
