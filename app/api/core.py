"""Views of Kubernetes' own kinds: just the fields that Holdfast decides by."""

from app.api.meta import Model, Object


class Parent(Object):
    """A ReplicaSet, Deployment, StatefulSet, DaemonSet or Rollout, metadata only."""


class EnvVar(Model):
    name: str
    value: str = ""


class PodContainer(Model):
    name: str
    image: str = ""
    env: tuple[EnvVar, ...] = ()


class SchedulingGate(Model):
    name: str


class ConfigMapVolume(Model):
    name: str = ""


class Volume(Model):
    config_map: ConfigMapVolume | None = None


class PodSpec(Model):
    containers: tuple[PodContainer, ...] = ()
    volumes: tuple[Volume, ...] = ()
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


class RollingUpdate(Model):
    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"


class DeploymentStrategy(Model):
    type: str = "RollingUpdate"
    rolling_update: RollingUpdate = RollingUpdate()


class DeploymentSpec(Model):
    replicas: int = 1
    progress_deadline_seconds: int | None = None
    paused: bool = False
    strategy: DeploymentStrategy = DeploymentStrategy()


class DeploymentStatus(Model):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[DeploymentCondition, ...] = ()


class Deployment(Object):
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class ReplicaSetSpec(Model):
    replicas: int = 1


class ReplicaSetStatus(Model):
    observed_generation: int = 0
    replicas: int = 0
    available_replicas: int = 0


class ReplicaSet(Object):
    """A ReplicaSet of nobody, whose own numbers count. Of all others the metadata is enough (`Parent`)."""

    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


class StatefulSetRollingUpdate(Model):
    partition: int = 0


class StatefulSetStrategy(Model):
    type: str = "RollingUpdate"
    rolling_update: StatefulSetRollingUpdate = StatefulSetRollingUpdate()


class StatefulSetSpec(Model):
    replicas: int = 1
    update_strategy: StatefulSetStrategy = StatefulSetStrategy()


class StatefulSetStatus(Model):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    update_revision: str = ""


class StatefulSet(Object):
    spec: StatefulSetSpec = StatefulSetSpec()
    status: StatefulSetStatus = StatefulSetStatus()


class DaemonSetStrategy(Model):
    type: str = "RollingUpdate"


class DaemonSetSpec(Model):
    update_strategy: DaemonSetStrategy = DaemonSetStrategy()


class DaemonSetStatus(Model):
    observed_generation: int = 0
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0


class DaemonSet(Object):
    """`template` is the digest of its pod template: its status does not say which revision is its newest."""

    spec: DaemonSetSpec = DaemonSetSpec()
    status: DaemonSetStatus = DaemonSetStatus()
    template: str = ""


class RolloutStrategy(Model):
    """`blue_green` is None for a canary; what it says does not matter here."""

    blue_green: dict[str, object] | None = None


class RolloutSpec(Model):
    strategy: RolloutStrategy = RolloutStrategy()


class BlueGreenStatus(Model):
    active_selector: str = ""


class RolloutStatus(Model):
    phase: str = ""
    message: str = ""
    observed_generation: str | int = ""
    replicas: int = 0
    updated_replicas: int = 0
    current_pod_hash: str = ""
    blue_green: BlueGreenStatus = BlueGreenStatus()


class Rollout(Object):
    """Argo's, `argoproj.io/v1alpha1`."""

    spec: RolloutSpec = RolloutSpec()
    status: RolloutStatus = RolloutStatus()


class Namespace(Object):
    """A namespace: labels and annotations are all that matters."""
