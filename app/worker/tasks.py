"""One KeptnTask: its Job, made once; its verdict, written once."""

import contextlib
import logging

from app.api.core import Job, Pod
from app.api.task import Task
from app.api.taskdefinition import TaskDefinition
from app.cluster import resources
from app.cluster.api import Json
from app.cluster.controller import After, Done, Outcome
from app.cluster.errors import AlreadyExists, ApiError, Conflict, Forbidden, Invalid, NotFound, TooManyRequests
from app.lifecycle import functions, jobs, names, tasks, troubles
from app.lifecycle.functions import Problem
from app.lifecycle.happenings import CREATE_TASK, FAILED, NOT_FOUND
from app.lifecycle.jobs import Mounted, Policy
from app.lifecycle.states import is_completed
from app.settings import Settings
from app.worker.caches import BY_NAMESPACE, BY_OWNER
from app.worker.context import Context
from app.worker.functions import mount
from app.worker.overtaken import overtaken
from app.worker.unsaid import Unsaid

log = logging.getLogger(__name__)

# How long to wait before a Job that a quota or a policy refused is tried again.
_REFUSED_SECONDS = 5.0
_RESTRICTED = "pod-security.kubernetes.io/enforce"


class TaskReconciler:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._unsaid: Unsaid[str] = Unsaid()  # tasks (uid) whose Job was made, and that say nothing of it yet

    async def __call__(self, key: tuple[str, str]) -> Outcome:
        task = self._context.caches.tasks.get(*key)
        if task is None:
            return Done()
        # The verdict first: whatever became of the Job of a finished task, nothing runs again.
        if is_completed(task.status.status):
            self._context.newborn.discard(task.metadata.uid)
            self._unsaid.end(task.metadata.uid)
            await self._wind_up(task)
            return Done()
        job = await self._job(task)
        pods = self._pods(job)
        step = tasks.next_step(task, job, pods, self._context.stamp(), self._complaint(job), self._absent(pods))
        if not (isinstance(step, tasks.WriteStatus) and step.verdict) and (by := overtaken(self._context.caches, task)):
            await self._write(task, tasks.superseded(task, job, pods, *by, self._context.stamp()))
            await self._end(job)
            return Done()
        if isinstance(step, tasks.StartJob):
            if self._unsaid.end(task.metadata.uid) and not task.status.job_name:
                # Made, not spoken of yet, and gone already: it was this run all the same.
                await self._write(task, tasks.unsaid(task, self._context.stamp()))
                return Done()
            return await self._start(task, step)
        if isinstance(step, tasks.WriteStatus):
            early = self._early(task, step)
            if early > 0:
                return After(early)
        await self._write(task, step)
        return Done()

    async def _wind_up(self, task: Task) -> None:
        """What is still to do for a task that has its verdict: last words, and the end of a Job that nobody needs."""
        meta, status = task.metadata, task.status
        known = (status.job_name, names.job_name(meta.name, meta.uid, status.runs + 1))
        found = (self._context.caches.jobs.get(meta.namespace, name) for name in known)
        job = next((job for job in found if job is not None and _of(job, task)), None)
        await self._write(task, tasks.afterword(task, self._pods(job)))
        if status.reason == tasks.SUPERSEDED:
            await self._end(job)

    async def _end(self, job: Job | None) -> None:
        """Deletes a Job, with its pods, whose verdict nobody waits for."""
        if job is None or _has_ended(job) or job.metadata.deletion_timestamp:
            return
        with contextlib.suppress(NotFound):
            meta = job.metadata
            await self._context.api.delete(resources.JOBS, meta.name, meta.namespace, uid=meta.uid)

    def _early(self, task: Task, step: tasks.WriteStatus) -> float:
        """Seconds for which a task that has just begun says nothing of itself: other Jobs are made first.

        Nobody waits for that word, and when many workloads roll out at once the API server has better things to do.
        """
        uid = task.metadata.uid
        if step.verdict is not None or task.status.job_name or "reason" in step.fields:
            self._unsaid.end(uid)
            return 0.0
        return self._unsaid.left(uid)

    async def _job(self, task: Task) -> Job | None:
        """The newest Job of the task, None only if it is known not to exist."""
        meta, status = task.metadata, task.status
        cache = self._context.caches.jobs
        if status.job_name:
            job = cache.get(meta.namespace, status.job_name)
            if job is None:
                # The cache may lag behind; only the API server's word is good enough to run a check again.
                with contextlib.suppress(NotFound):
                    raw = await self._context.api.get(resources.JOBS, status.job_name, meta.namespace)
                    job = Job.model_validate(raw)
            if job is not None and _is_of_use(job, task):
                return job
        job = cache.get(meta.namespace, names.job_name(meta.name, meta.uid, status.runs + 1))
        return job if job is not None and _is_of_use(job, task) else None

    def _pods(self, job: Job | None) -> list[Pod]:
        return [] if job is None else self._context.caches.pods.by_index(BY_OWNER, job.metadata.uid)

    def _absent(self, pods: list[Pod]) -> set[str]:
        """The ConfigMaps that pods mount and that are not there."""
        there = self._context.caches.config_maps
        return {name for pod in pods for name in troubles.mounted(pod) if not there.get(pod.metadata.namespace, name)}

    def _complaint(self, job: Job | None) -> str:
        said = [] if job is None else self._context.caches.complaints.by_index(BY_OWNER, job.metadata.uid)
        return said[-1].message if said else ""

    async def _start(self, task: Task, step: tasks.StartJob) -> Outcome:
        context = self._context
        meta = task.metadata
        if not await self._is_as_known(task):
            return Done()  # a verdict may have come since; the news wakes us again
        definition = context.caches.definition(meta.namespace, task.spec.task_definition, context.settings.namespace)
        try:
            prepared = await self._prepare(task, definition, step)
            if isinstance(prepared, Problem):
                await self._wait(task, NOT_FOUND, prepared.reason, prepared.message)
            elif not self._is_overtaken(task):
                await self._create(task, prepared)
        except NotFound:
            return Done()  # the namespace is gone
        except Invalid as error:
            log.warning("job refused", extra={"namespace": meta.namespace, "task": meta.name, "reason": error.reason})
            await self._write(task, tasks.refused(task, "JobInvalid", error.message, context.stamp()))
        except ApiError as error:
            if not 400 <= error.status < 500 or isinstance(error, (Conflict, AlreadyExists, TooManyRequests)):
                raise
            if isinstance(error, Forbidden) and error.namespace_terminating:
                raise
            # A quota or a policy is in the way; nothing tells us when that changes.
            await self._wait(task, FAILED, "JobForbidden", error.message)
            return After(_REFUSED_SECONDS)
        return Done()

    async def _is_as_known(self, task: Task) -> bool:
        """Whether the cache is right about a task that has no verdict: a Job that is long gone must not run again."""
        context, meta = self._context, task.metadata
        if (birth := context.births.get(task.key)) is not None:
            await birth.wait()
        if meta.uid in context.newborn and not task.status.job_name:
            context.newborn.discard(meta.uid)
            return True
        try:
            fresh = await context.api.get(resources.TASKS, meta.name, meta.namespace)
        except NotFound:
            return False
        context.caches.tasks.observe(fresh)
        return bool(fresh["metadata"]["resourceVersion"] == meta.resource_version)

    def _is_overtaken(self, task: Task) -> bool:
        """Whether another leader has gone on with the task while this one wrote its script, which may take long."""
        known = self._context.caches.tasks.get(task.metadata.namespace, task.metadata.name)
        if known is None or known.metadata.uid != task.metadata.uid:
            return True
        return is_completed(known.status.status) or known.status.runs != task.status.runs

    async def _create(self, task: Task, body: Json) -> None:
        context = self._context
        try:
            await context.create(resources.JOBS, body, context.caches.jobs)
            self._unsaid.begin(task.metadata.uid)
        except AlreadyExists:
            there = await context.api.get(resources.JOBS, body["metadata"]["name"], task.metadata.namespace)
            if not _of(Job.model_validate(there), task):
                raise Conflict(
                    409,
                    "NameTaken",
                    f"Job {task.metadata.namespace}/{there['metadata']['name']} exists and is not of KeptnTask "
                    f"{task.metadata.name}; delete it",
                ) from None
            context.caches.jobs.observe(there)

    async def _wait(self, task: Task, suffix: str, reason: str, message: str) -> None:
        """Says what the task waits for, once for as long as it is the same."""
        step = tasks.waiting(task, reason, message)
        if isinstance(step, tasks.WriteStatus):
            self._context.tell("KeptnTask", task, CREATE_TASK, suffix, message, warning=True)
            await self._write(task, step)

    async def _prepare(self, task: Task, definition: TaskDefinition | None, step: tasks.StartJob) -> Json | Problem:
        context = self._context
        if definition is None:
            where = f"{task.metadata.namespace} or {context.settings.namespace}"
            return Problem(
                "TaskDefinitionNotFound",
                f"there is no KeptnTaskDefinition {task.spec.task_definition} in namespace {where}; create it, and the "
                "task starts by itself",
            )
        parent = None
        reference = functions.function_ref(definition)
        if reference:
            parent = context.caches.definition(task.metadata.namespace, reference, context.settings.namespace)
        what = functions.resolve(definition, parent)
        if isinstance(what, Problem):
            return what
        mounted: Mounted | None = None
        if isinstance(what, functions.Function):
            place = await mount(context, task, what.code)
            if isinstance(place, Problem):
                return place
            mounted = place
        policy = self._policy(task.metadata.namespace)
        return jobs.build(task, definition, what, mounted, policy, run=step.run, failures=step.failures)

    def _policy(self, namespace: str) -> Policy:
        caches = self._context.caches
        labels = found.metadata.labels if (found := caches.namespaces.get("", namespace)) else {}
        quota = any(each.computes for each in caches.quotas.by_index(BY_NAMESPACE, namespace))
        return policy(self._context.settings, harden=labels.get(_RESTRICTED) == "restricted", quota=quota)

    async def _write(self, task: Task, step: tasks.WriteStatus | tasks.Nothing) -> None:
        """Writes what there is to write, with the conditions that go with it."""
        context = self._context
        wanted = step.fields if isinstance(step, tasks.WriteStatus) else {}
        fields = tasks.with_conditions(task, wanted, context.stamp())
        if fields:
            await context.write_status(resources.TASKS, task, fields, context.caches.tasks)
        if isinstance(step, tasks.WriteStatus) and step.edit:
            context.event("KeptnTask", task, "CodeChanged", step.edit)


def policy(settings: Settings, *, harden: bool, quota: bool) -> Policy:
    """What the installation asks of every task's pod, in a namespace of this kind."""
    size = settings.task_resources
    return Policy(
        images={"deno": settings.deno_image, "python": settings.python_image},
        requests={"cpu": size.cpu_request, "memory": size.memory_request},
        limits={"cpu": size.cpu_limit, "memory": size.memory_limit},
        run_as_user=settings.task_user,
        harden=harden,
        quota=quota,
    )


def _of(job: Job, task: Task) -> bool:
    owner = job.metadata.controller
    return owner is not None and owner.uid == task.metadata.uid


def _is_of_use(job: Job, task: Task) -> bool:
    """Whether the Job is the task's own, and runs or has ended: one that is deleted before its end has no verdict."""
    return _of(job, task) and (_has_ended(job) or not job.metadata.deletion_timestamp)


def _has_ended(job: Job) -> bool:
    return any(condition.status == "True" for condition in job.status.conditions)
