"""Which images there are, and what each is made of."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Image:
    """One image. Paths are relative to the repository; `inputs` are the files and folders its Dockerfile copies."""

    name: str
    dockerfile: str
    inputs: tuple[str, ...]
    requirements: str | None = None

    @property
    def file_name(self) -> str:
        """The archive's name without its ending: `holdfast/deno-runtime:dev` lies in `deno-runtime`."""
        return self.name.rpartition("/")[2].partition(":")[0]


PRODUCT = (
    Image(
        name="holdfast/holdfast:dev",
        dockerfile="Dockerfile",
        inputs=("app",),
        requirements="requirements/holdfast.txt",
    ),
    Image(
        name="holdfast/deno-runtime:dev",
        dockerfile="runtimes/deno/Dockerfile",
        inputs=("runtimes/run-task", "runtimes/deno/run-script"),
        requirements="runtimes/deno/requirements.txt",
    ),
    Image(
        name="holdfast/python-runtime:dev",
        dockerfile="runtimes/python/Dockerfile",
        inputs=("runtimes/run-task", "runtimes/python/run-script", "runtimes/python/fetch-script"),
    ),
)

TEST = (
    Image(name="busybox:1.36", dockerfile="images/busybox/Dockerfile", inputs=()),
    Image(name="holdfast/prometheus:test", dockerfile="images/prometheus/Dockerfile", inputs=()),
)
