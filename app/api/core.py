"""Views of Kubernetes' own kinds: just the fields that Holdfast decides by."""

from app.api.meta import Model, Object


class Parent(Object):
    """A ReplicaSet, Deployment, StatefulSet or DaemonSet, metadata only."""


class EnvVar(Model):
    name: str
    value: str = ""


class PodContainer(Model):
    name: str
    image: str = ""
    env: tuple[EnvVar, ...] = ()


class SchedulingGate(Model):
    name: str


class PodSpec(Model):
    containers: tuple[PodContainer, ...] = ()
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    node_name: str = ""


class Terminated(Model):
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class Waiting(Model):
    reason: str = ""
    message: str = ""


class ContainerState(Model):
    terminated: Terminated | None = None
    waiting: Waiting | None = None


class ContainerStatus(Model):
    name: str = ""
    state: ContainerState = ContainerState()


class PodCondition(Model):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class PodStatus(Model):
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    start_time: str | None = None
    conditions: tuple[PodCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Object):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class JobCondition(Model):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class JobStatus(Model):
    conditions: tuple[JobCondition, ...] = ()
    succeeded: int = 0
    failed: int = 0


class Job(Object):
    status: JobStatus = JobStatus()


class DeploymentCondition(Model):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    last_update_time: str | None = None
    last_transition_time: str | None = None


class DeploymentSpec(Model):
    progress_deadline_seconds: int | None = None
    paused: bool = False


class DeploymentStatus(Model):
    observed_generation: int = 0
    conditions: tuple[DeploymentCondition, ...] = ()


class Deployment(Object):
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class Namespace(Object):
    """A namespace: labels and annotations are all that matters."""
