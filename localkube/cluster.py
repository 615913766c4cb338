"""Up, down and status: the order in which everything happens."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localkube import (
    before,
    build,
    certificates,
    cgroups,
    checks,
    cleanup,
    health,
    images,
    iptables,
    network,
    packages,
    pause,
    processes,
    tools,
)
from localkube.commands import last_lines, run
from localkube.errors import LocalkubeError
from localkube.parts import NAMES, Part, all_parts
from localkube.paths import Paths
from localkube.progress import Progress, Step, duration
from localkube.settings import NODE_NAME, PAUSE_IMAGE

START_SECONDS = 90.0
POLL_SECONDS = 0.05
MANIFESTS = Path(__file__).resolve().with_name("manifests.json")
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


def up(paths: Paths, cache: Path, progress: Progress) -> float:
    """Bring the cluster up, or leave it alone when it is; gives the seconds that the start itself took.

    Raises LocalkubeError with what to do when it cannot.
    """
    checks.platform()
    with alone(paths, progress):
        refuse_foreign(paths)
        if paths.complete.exists() and len(alive(paths)) == len(NAMES):
            return 0.0
        packages.ensure(progress)
        checks.compiler()
        programs = build.ensure(cache, progress)
        archive = pause.ensure(cache, progress)
        tools.link(paths, programs)
        started = time.monotonic()
        parts = all_parts(paths, programs)
        if paths.complete.exists() and alive(paths):
            repair(paths, parts, progress)
        else:
            begin(paths, parts, programs, archive, progress)
        return time.monotonic() - started


def down(paths: Paths, progress: Progress) -> None:
    """Take the cluster down. Raises LocalkubeError naming what could not be removed."""
    checks.platform()
    with alone(paths, progress):
        refuse_foreign(paths)
        with progress.step("taking the cluster down"):
            left = cleanup.clean(paths)
        if left:
            raise LocalkubeError(f"these are still there:\n{listed(left)}")


def listed(things: Sequence[str], most: int = 10) -> str:
    """Things one below the other, as far as a person reads on."""
    more = [f"    … and {len(things) - most} more"] if len(things) > most else []
    return "\n".join([*(f"    {thing}" for thing in things[:most]), *more])


@contextmanager
def alone(paths: Paths, progress: Progress) -> Iterator[None]:
    """Let nobody else of this checkout start or stop the cluster meanwhile."""
    paths.state.mkdir(parents=True, exist_ok=True)
    with (paths.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("waiting for another start or stop of this cluster"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refuse_foreign(paths: Paths) -> None:
    """One machine has room for one cluster: another checkout's is left alone, unless that checkout is gone."""
    if not paths.owner.exists():
        return
    owner = Path(paths.owner.read_text())
    if owner != paths.state and owner.exists() and alive(paths):
        raise LocalkubeError(
            f"the cluster of {owner.parent} runs here: stop it with `python3 -m localkube down` in {owner.parent}"
        )
    if owner != paths.state:
        cleanup.clean(Paths(owner, paths.run))


def ours(paths: Paths) -> bool:
    """Whether what runs on this machine, if anything does, belongs to this checkout."""
    return paths.owner.exists() and paths.owner.read_text() == str(paths.state)


def alive(paths: Paths) -> dict[str, processes.Record]:
    """The daemons that run, by name."""
    return {name: record for name in NAMES if (record := processes.running(name, paths.pids)) is not None}


def begin(
    paths: Paths, parts: Mapping[str, Part], programs: Mapping[str, Path], archive: Path, progress: Progress
) -> None:
    """A start from nothing, after what an earlier one may have left is cleared away."""
    with progress.step("clearing what an earlier start left"):
        left = cleanup.clean(paths)
    if left:
        raise LocalkubeError(f"an earlier cluster left these, and they cannot be removed:\n{listed(left)}")
    checks.address_ranges()
    checks.ports()
    paths.run.mkdir(parents=True, mode=0o700)
    paths.owner.write_text(str(paths.state))
    for folder in (paths.data, paths.logs, paths.config):
        folder.mkdir(parents=True, exist_ok=True)
    for log in paths.logs.glob("*.log"):
        log.unlink()
    with progress.step("certificates, network, control groups"):
        certificates.ensure(paths.pki)
        certificates.write_kubeconfigs(paths.pki, paths.kubeconfig)
        before.remember(paths.before)
        network.prepare()
        iptables.add_own_rules()
        joined = cgroups.prepare()

    def start(*names: str) -> None:
        for name in names:
            processes.start(name, parts[name].argv(), pids=paths.pids, log=paths.logs / f"{name}.log", cgroups=joined)

    start("etcd", "containerd")
    wait_for(paths, parts, ["etcd"], progress)
    start("kube-apiserver")
    wait_for(paths, parts, ["containerd"], progress)
    with progress.step("pause image into containerd"):
        cleanup.forget_containers(paths)
        if not any(name.endswith(f"/{PAUSE_IMAGE}") for name in images.present(paths)):
            images.load(paths, archive)
    wait_for(paths, parts, ["kube-apiserver"], progress)
    start("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
    run([str(programs["kubectl"]), "--kubeconfig", str(paths.kubeconfig), "apply", "-f", str(MANIFESTS)])
    start("coredns")
    finish(paths, parts, progress)


def repair(paths: Paths, parts: Mapping[str, Part], progress: Progress) -> None:
    """Start only the daemons that have ended since a complete start."""
    joined = cgroups.prepare()
    for name in NAMES:
        if name not in alive(paths):
            progress.say(f"  {name} had ended and is started again; its log is {paths.logs / name}.log")
            processes.start(name, parts[name].argv(), pids=paths.pids, log=paths.logs / f"{name}.log", cgroups=joined)
    finish(paths, parts, progress)


def finish(paths: Paths, parts: Mapping[str, Part], progress: Progress) -> None:
    """Wait until the cluster can be used, and record that it is complete."""
    wait_for(paths, parts, list(NAMES), progress)
    api = health.Api(paths.pki)
    with progress.step("node Ready, service accounts there") as step:
        wait(paths, step, {f"node {NODE_NAME}": lambda: health.node_ready(api)})
        wait(paths, step, {"default service account": lambda: api.get(DEFAULT_ACCOUNT) is not None})
    paths.complete.touch()


def wait_for(paths: Paths, parts: Mapping[str, Part], names: list[str], progress: Progress) -> None:
    """Wait until some parts call themselves well."""
    title = names[0] if len(names) == 1 else "all parts"
    with progress.step(title) as step:
        wait(paths, step, {name: parts[name].healthy for name in names})


def wait(paths: Paths, step: Step, conditions: Mapping[str, Callable[[], bool]]) -> None:
    """Wait until all conditions hold. A daemon that ends meanwhile ends the wait, with its last lines."""
    waiting = dict(conditions)
    deadline = time.monotonic() + START_SECONDS
    while waiting:
        waiting = {name: holds for name, holds in waiting.items() if not holds()}
        step.detail = f"waiting for {', '.join(waiting)}" if waiting else "well"
        for name in NAMES:
            if processes.read(name, paths.pids) is not None and processes.running(name, paths.pids) is None:
                raise LocalkubeError(
                    f"{name} ended while starting; the last lines of {paths.logs / name}.log:\n{tail(paths, name)}"
                )
        if waiting and time.monotonic() > deadline:
            first = next(iter(waiting))
            hint = tail(paths, first) if (paths.logs / f"{first}.log").exists() else ""
            raise LocalkubeError(
                f"{', '.join(waiting)} did not become ready in {START_SECONDS:.0f} s; logs are in {paths.logs}\n{hint}"
            )
        if waiting:
            time.sleep(POLL_SECONDS)


def tail(paths: Paths, name: str) -> str:
    """The last lines of a part's log."""
    return last_lines((paths.logs / f"{name}.log").read_text(errors="replace"))


def is_up(paths: Paths) -> bool:
    """Whether this checkout's cluster is complete, every part runs, and the API answers that it is ready."""
    return ours(paths) and paths.complete.exists() and len(alive(paths)) == len(NAMES) and health.Api(paths.pki).ready()


def status(paths: Paths) -> str:
    """The cluster in plain words."""
    running = alive(paths)
    if not running:
        return "The cluster is down."
    if not ours(paths):
        return f"The cluster of this checkout is down; the one of {paths.owner.read_text()} runs."
    lines = []
    if not paths.complete.exists():
        lines.append("A start of the cluster was cut off (or is under way); `up` clears it away and starts anew.")
    elif health.node_ready(health.Api(paths.pki)):
        lines.append(f"The cluster is up and node {NODE_NAME} is Ready.")
    else:
        lines.append(f"The cluster is up, but node {NODE_NAME} is not Ready.")
    lines.append(f"  {'part':<24} {'state':<8} {'version':<11} {'pid':>7} {'age':>12}  listens on")
    for part in all_parts(paths, {}).values():
        record = running.get(part.name)
        state = "runs" if record else "ENDED"
        pid, age = (str(record.pid), duration(record.age())) if record else ("-", "-")
        where = ", ".join(map(str, part.ports)) or str(paths.containerd_socket)
        lines.append(f"  {part.name:<24} {state:<8} {part.version:<11} {pid:>7} {age:>12}  {where}")
    lines.append(f"kubeconfig: {paths.kubeconfig}")
    lines.append(f"logs: {paths.logs}; kubectl, helm and ctr: {paths.bin}")
    return "\n".join(lines)
