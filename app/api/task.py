"""KeptnTask v1: one run of a definition for one version of a workload, and its verdict."""

from typing import Annotated

from app.api.condition import Conditions, Generation
from app.api.fields import Duration, Int32, Retries, State, Time
from app.api.meta import Model, Object
from app.api.schema import Schema
from app.api.taskdefinition import DEFAULT_RETRIES, DEFAULT_TIMEOUT, Parameters, SecureParameters


class TaskContext(Model):
    """What a script learns of the deployment that it checks. The field order is that of KEPTN_CONTEXT."""

    workload_name: Annotated[str, Schema(description="The workload that is deployed.")] = ""
    app_name: Annotated[str, Schema(description="The app that it is part of.")] = ""
    app_version: Annotated[str, Schema(description="The app's version.")] = ""
    workload_version: Annotated[str, Schema(description="The workload's version.")] = ""
    task_type: Annotated[str, Schema(description="pre, post or promotion.")] = ""
    object_type: Annotated[str, Schema(description="Workload or App.")] = ""
    metadata: Annotated[dict[str, str], Schema(description="What else the script is told, traceparent among it.")] = {}


class TaskSpec(Model):
    task_definition: Annotated[
        str, Schema(description="The KeptnTaskDefinition to run, of this namespace or the installation's.")
    ]
    context: Annotated[TaskContext, Schema(description="What the script finds in KEPTN_CONTEXT.")] = TaskContext()
    parameters: Annotated[Parameters, Schema(description="Laid over the definition's, key by key.")] = Parameters()
    secure_parameters: Annotated[SecureParameters, Schema(description="Instead of the definition's.")] = (
        SecureParameters()
    )
    check_type: Annotated[str, Schema(description="pre, post or promotion; anything in a task by hand.")] = ""
    retries: Retries = DEFAULT_RETRIES
    timeout: Duration = DEFAULT_TIMEOUT


class Attempt(Model):
    """One pod that ran the check. Holdfast's addition to Keptn's status.

    One that the cluster ended (`disrupted`) is no failure of the check. It has the number of the one that follows it.
    """

    number: Annotated[
        Int32,
        Schema(description="Counted from 1; one that the cluster ended has the number of the one that follows it."),
    ]
    pod_name: Annotated[str, Schema(description="The pod that ran it.")]
    status: Annotated[str, Schema(description="How it ended.")]
    reason: Annotated[str, Schema(description="Why, in one word.")] = ""
    message: Annotated[str, Schema(description="Why, in words.")] = ""
    exit_code: Annotated[Int32 | None, Schema(description="The exit code of the check.")] = None
    last_lines: Annotated[str, Schema(description="What it printed last, without secrets.")] = ""
    start_time: Annotated[Time | None, Schema(description="When its container started.")] = None
    end_time: Annotated[Time | None, Schema(description="When it ended.")] = None
    code_digest: Annotated[
        str, Schema(description="Of the script that ran, as the runner says; empty where nobody can know.")
    ] = ""
    disrupted: Annotated[bool, Schema(description="The cluster ended it, so it does not count.")] = False


class TaskStatus(Model):
    job_name: Annotated[str, Schema(description="The newest Job of the task.")] = ""
    status: Annotated[State, Schema(description="The verdict: Pending, Progressing, Succeeded or Failed.")] = "Pending"
    message: Annotated[str, Schema(description="Why it waits, is tried again or has failed, in words.")] = ""
    reason: Annotated[str, Schema(description="The same, in one word.")] = ""
    start_time: Annotated[Time | None, Schema(description="When its first Job was made.")] = None
    end_time: Annotated[Time | None, Schema(description="When it had its verdict.")] = None
    runs: Annotated[
        Int32, Schema(description="Jobs made so far; more than one only if a Job was deleted in mid-run.")
    ] = 0
    attempts: Annotated[tuple[Attempt, ...], Schema(description="The newest 25 attempts.")] = ()
    conditions: Conditions = ()
    observed_generation: Generation = 0


class Task(Object):
    spec: TaskSpec
    status: TaskStatus = TaskStatus()
