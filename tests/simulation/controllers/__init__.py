"""The controllers of a cluster, as far as Holdfast sees what they do."""

import random
from collections.abc import Callable
from typing import Protocol

from tests.simulation.apiserver.server import Server
from tests.simulation.controllers.daemonsets import DaemonSetController
from tests.simulation.controllers.deployments import DeploymentController
from tests.simulation.controllers.garbage import GarbageCollector
from tests.simulation.controllers.jobs import JobController
from tests.simulation.controllers.kubelet import Behaviour, Kubelet
from tests.simulation.controllers.namespaces import NamespaceController
from tests.simulation.controllers.replicasets import ReplicaSetController
from tests.simulation.controllers.statefulsets import StatefulSetController
from tests.simulation.controllers.ttl import TtlController


class Runs(Protocol):
    async def run(self) -> None:
        """Until cancelled."""


# All of kube-controller-manager's, in the order in which they are started.
CONTROLLERS: tuple[Callable[[Server, random.Random], Runs], ...] = (
    DeploymentController,
    ReplicaSetController,
    StatefulSetController,
    DaemonSetController,
    JobController,
    TtlController,
    GarbageCollector,
    NamespaceController,
)


def build(server: Server, rng: random.Random, behaviour: Behaviour) -> tuple[Kubelet, list[Runs]]:
    """The kubelet, and all that has to run: every controller and the kubelet."""
    kubelet = Kubelet(server, rng, behaviour)
    return kubelet, [*(make(server, rng) for make in CONTROLLERS), kubelet]
