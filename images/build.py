"""Builds what has changed and keeps each image as an archive that container runtimes import."""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from images import base, commands, content, wheels
from images.buildah import Buildah
from images.catalog import REPOSITORY, Image


def cache_folder() -> Path:
    """Where archives, layers and Debian's packages stay between runs: ${HOLDFAST_CACHE:-~/.cache/holdfast}/images."""
    return Path(os.environ.get("HOLDFAST_CACHE") or Path.home() / ".cache/holdfast") / "images"


def build(images: Sequence[Image], *, public: bool = False, fresh: bool = False) -> list[Path]:
    """The archives of these images, in their order; those that are still true are not built again.

    `public`: pull the base image from the public registry and let pip fetch inside the build, instead of making
    both from packages fetched here. `fresh`: forget base image and layers first. Waits for a build that is under way
    already. Raises ImagesError.
    """
    if os.geteuid() != 0:
        raise commands.ImagesError("building images needs root, for buildah and debootstrap; run it again with sudo")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would fight over one storage
        workshop = Workshop(folder, public)
        programs = ("buildah",) if public else ("buildah", "debootstrap")
        commands.ensure_programs(*programs, log=folder / "apt.log")
        if fresh:
            workshop.forget()
        base_id = "public" if public else base.ensure(workshop.buildah, folder)
        return [workshop.archive(image, base_id) for image in images]


@dataclass(frozen=True, slots=True)
class Workshop:
    """The cache folder, and how base image and Python packages are come by."""

    folder: Path
    public: bool

    @property
    def buildah(self) -> Buildah:
        return Buildah(self.folder / ("storage-public" if self.public else "storage"))

    def forget(self) -> None:
        """Throws away base image and layers, so that the next build begins with Debian's newest packages.

        Raises ImagesError.
        """
        self.buildah.forget()
        for digest in self.folder.glob("*.digest"):
            digest.unlink()

    def archive(self, image: Image, base_id: str) -> Path:
        """The image's archive, built first unless it is there and still true. Raises ImagesError."""
        archive, key = (self.folder / f"{image.file_name}.{ending}" for ending in ("tar", "digest"))
        digest = content.digest(image, base=base_id, repository=REPOSITORY)
        if archive.exists() and key.exists() and key.read_text() == digest:
            print(f"  {image.name}: nothing has changed", flush=True)
            return archive
        packages = None
        if image.requirements and not self.public:
            packages = wheels.fetch(REPOSITORY / image.requirements, self.folder / "wheels")
        with commands.step(image.name):
            key.unlink(missing_ok=True)
            log = self.folder / f"{image.file_name}.log"
            self.buildah.build(image, context=REPOSITORY, wheels=packages, pull=self.public, log=log)
            self.buildah.save(image, archive)
        key.write_text(digest)
        return archive
