"""Every served version of every kind, as models: what the older ones have in another shape, or do not have.

The newest is stored. A kind whose versions differ is converted by our webhook, see `app.api.conversion`. The others
have strategy None: the API server changes nothing but apiVersion.
"""

from typing import Final

from app.api.versions.app import APP, APP_CONTEXT, APP_CREATION_REQUEST
from app.api.versions.appversion import APP_VERSION
from app.api.versions.config import CONFIG
from app.api.versions.evaluation import EVALUATION, EVALUATION_DEFINITION
from app.api.versions.kind import Column, Kind, Version
from app.api.versions.task import TASK
from app.api.versions.taskdefinition import TASK_DEFINITION
from app.api.versions.workload import WORKLOAD, WORKLOAD_VERSION

__all__ = [
    "APP",
    "APP_CONTEXT",
    "APP_CREATION_REQUEST",
    "APP_VERSION",
    "CONFIG",
    "EVALUATION",
    "EVALUATION_DEFINITION",
    "KINDS",
    "TASK",
    "TASK_DEFINITION",
    "WORKLOAD",
    "WORKLOAD_VERSION",
    "Column",
    "Kind",
    "Version",
]

KINDS: Final = (
    TASK_DEFINITION,
    TASK,
    WORKLOAD,
    WORKLOAD_VERSION,
    APP,
    APP_CONTEXT,
    APP_VERSION,
    APP_CREATION_REQUEST,
    EVALUATION_DEFINITION,
    EVALUATION,
    CONFIG,
)
