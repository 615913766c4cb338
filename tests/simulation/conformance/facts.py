"""What is compared: how a request was refused, and what a watch has told."""

import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass

from app.cluster import errors
from app.cluster.api import Json, Resource
from tests.simulation.conformance.servers import Subject

CHANGED = "the object has been modified; please apply your changes to the latest version and try again"


async def refusal(call: Awaitable[object]) -> errors.ApiError:
    """The error that the call raises. Fails the test if it raises none."""
    try:
        done = await call
    except errors.ApiError as error:
        return error
    raise AssertionError(f"not refused: {done}")


async def refused(call: Awaitable[object]) -> tuple[type[errors.ApiError], int, str]:
    """As ``refusal``, in short: class, status, reason."""
    error = await refusal(call)
    return type(error), error.status, error.reason


NOT_FOUND = (errors.NotFound, 404, "NotFound")
EXISTS = (errors.AlreadyExists, 409, "AlreadyExists")
CONFLICT = (errors.Conflict, 409, "Conflict")
INVALID = (errors.Invalid, 422, "Invalid")
FORBIDDEN = (errors.Forbidden, 403, "Forbidden")
BAD = (errors.ApiError, 400, "BadRequest")


@dataclass(frozen=True)
class Told:
    """One event of a watch."""

    type: str
    object: Json

    @property
    def short(self) -> tuple[str, str, str]:
        return self.type, self.object["metadata"]["name"], version(self.object)


async def told(
    server: Subject, resource: Resource, since: str, last: tuple[str, str], *, labels: str = "", metadata: bool = False
) -> list[Told]:
    """All that a watch of the namespace says after `since`, up to the event of the type and name in `last`."""
    heard: list[Told] = []
    stream = server.api.watch(
        resource,
        server.namespace,
        resource_version=since,
        label_selector=labels,
        timeout_seconds=10,
        metadata_only=metadata,
    )
    async with contextlib.aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            if event["type"] == "BOOKMARK":
                continue
            heard.append(Told(event["type"], event["object"]))
            if heard[-1].short[:2] == last:
                return heard
    raise AssertionError(f"not told: {last}, only {[each.short for each in heard]}")


def version(body: Json) -> str:
    """Its resourceVersion."""
    return str(body["metadata"]["resourceVersion"])


def generation(body: Json) -> int | None:
    found: int | None = body["metadata"].get("generation")
    return found


async def now(server: Subject, resource: Resource) -> str:
    """The resourceVersion of this moment."""
    return version(await server.api.list_page(resource, server.namespace))
