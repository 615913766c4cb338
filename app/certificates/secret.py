"""The Secret with the webhook's certificate, as its writer (the worker) and its reader (the webhook) see it."""

import base64
import binascii
from typing import Final

from pydantic import Field

from app.api.meta import Object
from app.cluster.api import Json

CA_KEY: Final = "ca.key"
CA_CERT: Final = "ca.crt"
CA_CERT_OLD: Final = "ca.crt.old"
TLS_KEY: Final = "tls.key"
TLS_CERT: Final = "tls.crt"


class CertificateSecret(Object):
    """A Secret. Its content stays out of its repr, and so out of logs."""

    data: dict[str, str] = Field(default_factory=dict, repr=False)

    def value(self, key: str) -> bytes:
        """The decoded value; empty when there is none or it is not base64."""
        try:
            return base64.b64decode(self.data.get(key, ""), validate=True)
        except (binascii.Error, ValueError):
            return b""


def decode(body: Json) -> CertificateSecret:
    """Never fails on strange content: a Secret that is garbage must be seen, to be repaired."""
    data = {key: value for key, value in (body.get("data") or {}).items() if isinstance(value, str)}
    return CertificateSecret.model_validate({"metadata": body["metadata"], "data": data})
