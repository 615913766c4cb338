"""Pods of the simulation that do what their command says, as far as these tests need a shell."""

from app.cluster.api import Json
from tests.simulation.controllers.kubelet import Run

IMAGE = "busybox:1.36"  # which the tests' cluster has


class Shell:
    """Understands `sh -c` with "sleep 1; echo some words; exit 3". There is one image; others cannot be had.

    With "trap 'exit 0' TERM; sleep 9 & wait" it ends by itself when it is told to; else it has to be killed.
    """

    def run(self, pod: Json) -> Run:
        container = pod["spec"]["containers"][0]
        if container["image"] != IMAGE:
            return Run(None, waiting="ImagePullBackOff")
        seconds, code, said, stopped = 0.1, 0, "", 137
        for part in container["command"][-1].split("; "):
            word, _, rest = part.partition(" ")
            if word == "sleep":
                seconds += float(rest.removesuffix(" & wait"))
            elif word == "echo":
                said += f"{rest}\n"
            elif word == "trap":
                stopped = int(rest.removeprefix("'exit ").removesuffix("' TERM"))
            elif word == "exit":
                code = int(rest)
            else:
                raise ValueError(f"no such command: {part}")
        return Run(seconds, code, said if code else "", stopped=stopped)


def container(command: str) -> Json:
    """A container that runs `command`; its output is its termination message if it fails."""
    return {
        "name": "main",
        "image": IMAGE,
        "command": ["sh", "-c", command],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
