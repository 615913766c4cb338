"""What the tests of certificates share."""

import base64
from datetime import UTC, datetime
from typing import Any

from app.cluster.api import Json
from app.cluster.resources import SECRETS
from app.settings import Settings, from_environment
from tests.fakes.api import FakeApi

NAMESPACE = "keptn-system"
SECRET = "keptn-certs"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def settings(**environment: str) -> Settings:
    return from_environment({"POD_NAMESPACE": NAMESPACE, "POD_NAME": "pod-0", **environment})


def put_secret(api: FakeApi, data: dict[str, bytes], **more: Any) -> Json:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return api.make(SECRETS, SECRET, NAMESPACE, data=encoded, **more)


def secret_data(api: FakeApi) -> dict[str, bytes]:
    body = api.server.find(SECRETS, SECRET, NAMESPACE)
    return {key: base64.b64decode(value) for key, value in body["data"].items()} if body else {}
