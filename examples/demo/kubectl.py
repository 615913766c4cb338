"""What a person's own kubectl says: of the rollout that failed, and of the worker's figures."""

import asyncio
import shutil
from dataclasses import dataclass

from examples.demo.shop import APP, FAILING, NAMESPACE

_SECONDS = 5
_PORT = 2222
_FIGURE = "keptn_app_deploymentduration{"
_LABELS = (f'keptn_deployment_app_name="{APP}"', f'keptn_deployment_app_namespace="{NAMESPACE}"')


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """`kubectl rollout status`, what it printed and how it ended."""

    command: str
    output: str
    exit_status: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """The line about the application in the worker's metrics, and why there is none if it is ""."""

    sample: str
    trouble: str


async def rollout_status() -> RolloutStatus | None:
    """Asks kubectl about the failing Deployment, None if there is no kubectl here."""
    words = ("-n", NAMESPACE, "rollout", "status", "deployment", FAILING)
    answer = await _ask(*words, f"--timeout={_SECONDS}s")
    return RolloutStatus(" ".join(("kubectl", *words)), answer[1], answer[0]) if answer else None


async def metrics() -> Metrics | None:
    """The application's figure from whichever worker leads, None if there is no kubectl here."""
    found = await _ask(
        "get", "pods", "-A", "-l", "app.kubernetes.io/name=holdfast,app.kubernetes.io/component=worker",
        "-o", "jsonpath={range .items[*]}{.metadata.namespace}/pods/{.metadata.name} {end}",
    )  # fmt: skip
    if found is None:
        return None
    trouble = "no worker was found" if found[0] == 0 else found[1]
    for pod in found[1].split() if found[0] == 0 else ():
        path = f"/api/v1/namespaces/{pod}:{_PORT}/proxy/metrics"
        status, page = await _ask("get", "--raw", path) or (1, "kubectl is gone")
        for line in page.splitlines():
            if line.startswith(_FIGURE) and all(label in line for label in _LABELS):
                return Metrics(line, "")
        trouble = page[-300:] if status else f"no line {_FIGURE}…}} about {APP}"
    return Metrics("", trouble)


async def _ask(*words: str) -> tuple[int, str] | None:
    """How kubectl ended and what it printed, None if there is none."""
    program = shutil.which("kubectl")
    if program is None:
        return None
    process = await asyncio.create_subprocess_exec(
        program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode().strip()
