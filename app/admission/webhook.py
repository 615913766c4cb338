"""All that answers reviews, put together from what it is given. It opens no socket and knows of no signal."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI

from app.admission.app import create_app
from app.admission.cache import Caches
from app.admission.conversion import convert
from app.admission.definitions import DefinitionValidator
from app.admission.namespaces import mirror
from app.admission.parents import Parents
from app.admission.pods import PodGate
from app.cluster.api import Api
from app.lifecycle.python_syntax import Fault
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Webhook:
    """One process's caches and the application that answers from them. The caches must be running."""

    caches: Caches
    app: FastAPI

    @classmethod
    def build(
        cls,
        settings: Settings,
        api: Api,
        rng: random.Random,
        *,
        check_python: Callable[[str], Awaitable[Fault | None]] | None = None,
    ) -> "Webhook":
        """`check_python` looks at scripts in place of a child process of ours."""
        caches = Caches.build(api, rng)
        app = create_app(
            pods=PodGate(Parents(api, caches), caches, settings.namespace),
            namespaces=mirror,
            task_definitions=DefinitionValidator(api, settings, check_python=check_python),
            convert=convert,
        )
        return cls(caches, app)
