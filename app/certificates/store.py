"""The Secret, written so that of several writers none destroys what another has just issued."""

import base64
import logging

from app.certificates.authority import Contents
from app.certificates.secret import CertificateSecret
from app.cluster import errors, resources
from app.cluster.api import Api, Json

log = logging.getLogger(__name__)


class Outdated(Exception):
    """Somebody else wrote, created or deleted the Secret since it was read. Read again and decide again."""


class SecretStore:
    """The Secret ``name``. It must exist for nobody's sake: writing creates it."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name

    async def write(self, contents: Contents, based_on: CertificateSecret | None) -> Json:
        """Stores ``contents`` if the Secret is still as ``based_on`` says (None: not there). Returns it as stored.

        Raises Outdated if not, or ApiError.
        """
        data = {key: base64.b64encode(value).decode() for key, value in contents.data().items()}
        try:
            if based_on is None:
                return await self._api.create(resources.SECRETS, self._body(data), self._namespace)
            # The version also tells a namesake that was created since from what we have read.
            patch: Json = {"metadata": {"resourceVersion": based_on.metadata.resource_version}, "data": data}
            return await self._api.patch(resources.SECRETS, self._name, patch, self._namespace)
        except (errors.AlreadyExists, errors.Conflict, errors.NotFound) as error:
            raise Outdated(str(error)) from error

    def _body(self, data: dict[str, str]) -> Json:
        return {
            "apiVersion": resources.SECRETS.api_version,
            "kind": resources.SECRETS.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "type": "Opaque",
            "data": data,
        }
