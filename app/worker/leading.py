"""The label on a worker's own pod by which the Service of the metrics finds the one that leads.

Keptn's users read its figures by that Service. The replica that stands by has none of the lifecycle, so the Service
must not lead there.
"""

import asyncio
import contextlib
import itertools
import logging
from typing import Final

from app.api import wellknown
from app.cluster import errors, resources
from app.cluster.api import Api

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5.0


async def announce(api: Api, namespace: str, pod: str) -> None:
    """Says on this pod that it leads, and takes it back on whichever did before; tries until that stands there.

    Who has lost the Lease writes nothing any more, and a container that starts anew keeps its pod with its label.
    """
    for _ in itertools.count():
        try:
            await _announce(api, namespace, pod)
        except errors.ApiError as error:
            log.warning("the metrics Service may not find the leader", extra={"pod": pod, "error": str(error)})
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def _announce(api: Api, namespace: str, pod: str) -> None:
    selector = f"{wellknown.LEADS}={wellknown.LEADS_VALUE}"
    page = await api.list_page(resources.PODS, namespace, label_selector=selector)
    marked = {item["metadata"]["name"] for item in page["items"]}
    for name in sorted(marked - {pod}):
        await _mark(api, namespace, name, None)
    if pod not in marked:
        await _mark(api, namespace, pod, wellknown.LEADS_VALUE)


async def _mark(api: Api, namespace: str, pod: str, value: str | None) -> None:
    with contextlib.suppress(errors.NotFound):  # gone by now, or this process runs in no pod
        await api.patch(resources.PODS, pod, {"metadata": {"labels": {wellknown.LEADS: value}}}, namespace)
