"""One KeptnEvaluation: its metrics, read when an attempt is due; its verdict, written once."""

import asyncio

from app.api.evaluation import Evaluation, EvaluationDefinition
from app.cluster import resources
from app.cluster.controller import After, Done, Outcome
from app.lifecycle import conditions, evaluations, happenings
from app.lifecycle.evaluations import Measure, Reading, Wait, WriteStatus
from app.lifecycle.revisions import was_superseded
from app.lifecycle.states import State, is_completed
from app.worker.context import Context
from app.worker.readings import Readings

# So many of an evaluation's metrics are read at once.
_AT_ONCE = 8


class EvaluationReconciler:
    """Keys are (namespace, name). The one timer is the interval between attempts, which the status remembers."""

    def __init__(self, context: Context, readings: Readings | None = None) -> None:
        self._context = context
        self._readings = readings or Readings(context)

    async def __call__(self, key: tuple[str, str]) -> Outcome:
        context = self._context
        evaluation = context.caches.evaluations.get(*key)
        if evaluation is None or is_completed(evaluation.status.overall_status):
            return Done()
        definition = context.caches.evaluation_definition(
            key[0], evaluation.spec.evaluation_definition, context.settings.namespace
        )
        step = evaluations.next_step(evaluation, definition, context.now(), superseded=self._is_superseded(evaluation))
        if isinstance(step, Wait):
            return After(step.seconds)
        if isinstance(step, Measure) and definition is not None:
            began = context.now()
            said = await self._read(step, definition, key[0])
            step = evaluations.judge(evaluation, definition, said, began=began, now=context.now())
        if isinstance(step, WriteStatus):
            await self._write(evaluation, step)
            if step.verdict is None and definition is not None:
                return After(evaluations.interval(evaluation.spec.retry_interval))
        return Done()

    def _is_superseded(self, evaluation: Evaluation) -> bool:
        """Whether the version that it is for has been overtaken. One made by hand is for nobody."""
        owner, namespace = evaluation.metadata.controller, evaluation.metadata.namespace
        caches = self._context.caches
        if owner is None:
            return False
        if owner.kind == "KeptnWorkloadVersion":
            workload = caches.versions.get(namespace, owner.name)
            return workload is not None and workload.metadata.uid == owner.uid and was_superseded(workload.status)
        app = caches.app_versions.get(namespace, owner.name) if owner.kind == "KeptnAppVersion" else None
        return app is not None and app.metadata.uid == owner.uid and was_superseded(app.status)

    async def _read(self, step: Measure, definition: EvaluationDefinition, namespace: str) -> dict[str, Reading]:
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> Reading:
            async with free:
                return await self._readings.read(step.objectives[key], definition, namespace)

        return dict(zip(step.objectives, await asyncio.gather(*map(one, step.objectives)), strict=True))

    async def _write(self, evaluation: Evaluation, step: WriteStatus) -> None:
        context = self._context
        fields = conditions.with_conditions(
            evaluation.status,
            step.fields,
            generation=evaluation.metadata.generation,
            now=context.stamp(),
            reason=step.reason,
            message=step.message,
        )
        await context.write_status(resources.EVALUATIONS, evaluation, fields, context.caches.evaluations)
        self._tell(evaluation, step)

    def _tell(self, evaluation: Evaluation, step: WriteStatus) -> None:
        if step.reason == evaluations.NOT_FOUND:
            self._warn(evaluation, happenings.NOT_FOUND, step.message)
        if step.verdict is not State.FAILED or step.reason == evaluations.SUPERSEDED:
            return
        self._warn(evaluation, happenings.FAILED, f"has failed: {step.message}")
        self._warn(evaluation, happenings.RECONCILE_TIMEOUT, "retryCount exceeded")

    def _warn(self, evaluation: Evaluation, suffix: str, text: str) -> None:
        phase = happenings.RECONCILE_EVALUATION
        self._context.tell("KeptnEvaluation", evaluation, phase, suffix, text, warning=True)
