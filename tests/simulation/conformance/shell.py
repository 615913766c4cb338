"""Pods of the simulation that do what their command says, as far as these tests need a shell."""

from app.cluster.api import Json
from tests.simulation.controllers.kubelet import Run

IMAGE = "busybox:1.36"  # which the tests' cluster has


class Shell:
    """Understands `sh -c` with "sleep 1; echo some words; exit 3". There is one image; others cannot be had."""

    def run(self, pod: Json) -> Run:
        container = pod["spec"]["containers"][0]
        if container["image"] != IMAGE:
            return Run(None, waiting="ImagePullBackOff")
        seconds, code, said = 0.1, 0, ""
        for part in container["command"][-1].split("; "):
            word, _, rest = part.partition(" ")
            if word == "sleep":
                seconds += float(rest)
            elif word == "echo":
                said += f"{rest}\n"
            elif word == "exit":
                code = int(rest)
            else:
                raise ValueError(f"no such command: {part}")
        return Run(seconds, code, said if code else "", stopped=137)


def container(command: str) -> Json:
    """A container that runs `command`; its output is its termination message if it fails."""
    return {
        "name": "main",
        "image": IMAGE,
        "command": ["sh", "-c", command],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
