"""A version's KeptnTasks and KeptnEvaluations: what there is of them, and making those that are wanted."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from app.api.app import AppVersion
from app.api.evaluation import Evaluation
from app.api.task import Task
from app.api.workload import WorkloadVersion
from app.cluster import resources
from app.cluster.api import Json, Resource
from app.cluster.errors import AlreadyExists, Conflict, Invalid
from app.cluster.informer import Informer
from app.lifecycle import durations, evaluations, taskbodies
from app.lifecycle.advance import Child, Create, Seen, Step
from app.lifecycle.happenings import CREATE_EVALUATION, CREATE_TASK, FAILED, STARTED, STATUS_CHANGED, item_changes
from app.lifecycle.phases import Phase
from app.worker.caches import BY_OWNER
from app.worker.context import Context, together


class Children:
    """For versions of one kind."""

    def __init__(self, context: Context, kind: str, phases: tuple[Phase, ...]) -> None:
        self._context = context
        self._kind = kind
        self._phases = phases

    def seen(self, version: WorkloadVersion | AppVersion) -> Seen:
        """The version's children, and which of the definitions that it asks for exist."""
        caches, uid, namespace = self._context.caches, version.metadata.uid, version.metadata.namespace
        things: list[Task | Evaluation] = [*caches.tasks.by_index(BY_OWNER, uid)]
        things += caches.evaluations.by_index(BY_OWNER, uid)
        spec = version.spec.model_dump(by_alias=True)
        home = self._context.settings.namespace
        tasks = {name for phase in self._phases if phase.items and not phase.evaluates for name in spec[phase.asked]}
        evaluated = {name for phase in self._phases if phase.evaluates for name in spec[phase.asked]}
        return Seen(
            {thing.metadata.name: Child.of(thing) for thing in things},
            {name for name in tasks if caches.definition(namespace, name, home) is not None},
            {name for name in evaluated if caches.evaluation_definition(namespace, name, home) is not None},
        )

    def tell(self, version: WorkloadVersion | AppVersion, step: Step) -> None:
        """Tells of a pass that is written: phases that began, what has become of their children, phases that ended."""
        before = version.status.model_dump(by_alias=True, mode="json")
        phases = list(self._phases)
        for word in step.words:
            ended = word.suffix != STARTED
            if ended:
                self._tell_changes(version, before, step, [word.phase])
                phases.remove(word.phase)
            self._context.tell(self._kind, version, word.phase, word.suffix, word.text, warning=word.suffix == FAILED)
        self._tell_changes(version, before, step, phases)

    def _tell_changes(
        self, version: WorkloadVersion | AppVersion, before: Json, step: Step, phases: Sequence[Phase]
    ) -> None:
        for what, text in item_changes(phases, before, step.fields):
            self._context.tell(self._kind, version, what, STATUS_CHANGED, text)

    async def make(
        self, version: WorkloadVersion | AppVersion, wanted: tuple[Create, ...], metadata: Mapping[str, str]
    ) -> None:
        """Makes them all, whatever becomes of one of them; then raises the first error there was."""
        await together([self._make(version, each, metadata) for each in wanted])

    async def _make(self, version: WorkloadVersion | AppVersion, wanted: Create, metadata: Mapping[str, str]) -> None:
        context, namespace = self._context, version.metadata.namespace
        home = context.settings.namespace
        try:
            if wanted.phase.evaluates:
                definition = context.caches.evaluation_definition(namespace, wanted.definition, home)
                if definition is not None:
                    body = evaluations.body(self._kind, version, definition, wanted.phase, wanted.name)
                    await self._create(version, resources.EVALUATIONS, body, context.caches.evaluations)
                return
            task_definition = context.caches.definition(namespace, wanted.definition, home)
            if task_definition is None:
                return  # deleted just now; the version waits for it
            carrier = context.carrier(version, wanted.phase)
            body = taskbodies.task_body(version, task_definition, wanted.phase, wanted.name, {**metadata, **carrier})
            await self._born(version, wanted.name, body)
        except (Invalid, durations.DurationError) as error:
            # A definition from before there were rules. Only its author can mend it, and that wakes us.
            what = "KeptnEvaluationDefinition" if wanted.phase.evaluates else "KeptnTaskDefinition"
            happening = CREATE_EVALUATION if wanted.phase.evaluates else CREATE_TASK
            words = f"{what} {wanted.definition} cannot run as it is: {getattr(error, 'message', error)}"
            context.tell(self._kind, version, happening, FAILED, words, warning=True)

    async def _born(self, version: WorkloadVersion | AppVersion, name: str, body: Json) -> None:
        births, key = self._context.births, (version.metadata.namespace, name)
        born = births[key] = asyncio.Event()
        try:
            made = await self._create(version, resources.TASKS, body, self._context.caches.tasks)
            if made is not None:
                self._context.newborn.add(made["metadata"]["uid"])
        finally:
            del births[key]
            born.set()

    async def _create(
        self, version: WorkloadVersion | AppVersion, resource: Resource, body: Json, cache: Informer[Any]
    ) -> Json | None:
        """What was made, None if it was there already. Raises Conflict if it is somebody else's."""
        meta = body["metadata"]
        try:
            return await self._context.create(resource, body, cache)
        except AlreadyExists:
            there = await self._context.api.get(resource, meta["name"], meta["namespace"])
            owners = there["metadata"].get("ownerReferences") or []
            if not any(owner["uid"] == version.metadata.uid for owner in owners):
                raise Conflict(
                    409,
                    "NameTaken",
                    f"{resource.kind} {meta['namespace']}/{meta['name']} exists and is not of {self._kind} "
                    f"{version.metadata.name}; delete it",
                ) from None
            cache.observe(there)
            return None
