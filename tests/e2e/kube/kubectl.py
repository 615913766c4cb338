"""kubectl itself, where a test is about what its user sees."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.kube.resources import Json


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Kubectl:
    def __init__(self, kubeconfig: Path) -> None:
        found = shutil.which(str(kubeconfig.parent / "bin" / "kubectl")) or shutil.which("kubectl")
        if found is None:
            raise FileNotFoundError("kubectl is neither beside the cluster nor on the PATH; run make cluster")
        self._command = [found, "--kubeconfig", str(kubeconfig)]

    def try_(self, *arguments: str, stdin: str | None = None, seconds: float = 120) -> Result:
        """Runs it and says how it went, whatever that is."""
        done = subprocess.run(
            [*self._command, *arguments], input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        """Runs it; a failure fails the test with what it printed."""
        result = self.try_(*arguments, stdin=stdin)
        assert result.code == 0, f"kubectl {' '.join(arguments)}: {result.err or result.out}"
        return result

    def apply(self, text: str, *arguments: str) -> Result:
        """`kubectl apply -f -` of YAML as it is written."""
        return self("apply", *arguments, "-f", "-", stdin=text)

    @contextmanager
    def background(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Runs beside the test; ended at the latest when the block ends."""
        with subprocess.Popen(
            [*self._command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def documents(*bodies: Json) -> str:
    """Several objects as one YAML stream."""
    return yaml.safe_dump_all(bodies, sort_keys=False)
