"""KeptnTask v1: one run of a definition for one version of a workload, and its verdict."""

from app.api.condition import Condition
from app.api.fields import Duration, Int32, Int64, Retries, State, Time
from app.api.meta import Model, Object
from app.api.taskdefinition import DEFAULT_RETRIES, DEFAULT_TIMEOUT, Parameters, SecureParameters


class TaskContext(Model):
    """What a script learns of the deployment that it checks. The field order is that of KEPTN_CONTEXT."""

    workload_name: str = ""
    app_name: str = ""
    app_version: str = ""
    workload_version: str = ""
    task_type: str = ""
    object_type: str = ""
    metadata: dict[str, str] = {}


class TaskSpec(Model):
    task_definition: str
    context: TaskContext = TaskContext()
    parameters: Parameters = Parameters()
    secure_parameters: SecureParameters = SecureParameters()
    check_type: str = ""
    retries: Retries = DEFAULT_RETRIES
    timeout: Duration = DEFAULT_TIMEOUT


class Attempt(Model):
    """One pod that ran the check. Holdfast's addition to Keptn's status.

    One that the cluster ended (`disrupted`) is no failure of the check. It has the number of the one that follows it.
    """

    number: Int32
    pod_name: str
    status: str
    reason: str = ""
    message: str = ""
    exit_code: Int32 | None = None
    last_lines: str = ""
    start_time: Time | None = None
    end_time: Time | None = None
    code_digest: str = ""  # of the script that it ran, as the runner itself says; "" where the runner cannot know
    disrupted: bool = False


class TaskStatus(Model):
    job_name: str = ""
    status: State = "Pending"
    message: str = ""
    reason: str = ""
    start_time: Time | None = None
    end_time: Time | None = None
    runs: Int32 = 0  # Jobs made for this task so far; more than one only if a Job was deleted in mid-run
    attempts: tuple[Attempt, ...] = ()
    conditions: tuple[Condition, ...] = ()
    observed_generation: Int64 = 0


class Task(Object):
    spec: TaskSpec
    status: TaskStatus = TaskStatus()
