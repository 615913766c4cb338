"""`python3 -m images`: builds what has changed and leaves each image as an archive for `python3 -m localkube load`."""

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from images import base, commands, content, wheels
from images.buildah import Buildah
from images.catalog import PRODUCT, REPOSITORY, TEST, Image


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where everything is kept between runs, and whether the public registry is there to pull from."""

    folder: Path
    public: bool

    @property
    def buildah(self) -> Buildah:
        return Buildah(self.folder / ("storage-public" if self.public else "storage"))

    def log(self, image: Image) -> Path:
        return self.folder / f"{image.file_name}.log"

    def archive(self, image: Image) -> Path:
        return self.folder / f"{image.file_name}.tar"

    def forget(self) -> None:
        """Throws away base image and layers, so that the next build begins with Debian's newest packages."""
        shutil.rmtree(self.buildah.storage, ignore_errors=True)
        for digest in self.folder.glob("*.digest"):
            digest.unlink()

    def produce(self, image: Image, base_id: str) -> Path:
        """The image's archive, built first unless it is there and still true. Raises ImagesError."""
        archive, key = self.archive(image), self.folder / f"{image.file_name}.digest"
        digest = content.digest(image, base=base_id, repository=REPOSITORY)
        if archive.exists() and key.exists() and key.read_text() == digest:
            print(f"  {image.name}: nothing has changed", flush=True)
            return archive
        packages = None
        if image.requirements and not self.public:
            packages = wheels.fetch(REPOSITORY / image.requirements, self.folder / "wheels")
        with commands.step(image.name):
            key.unlink(missing_ok=True)
            self.buildah.build(image, context=REPOSITORY, wheels=packages, pull=self.public, log=self.log(image))
            self.buildah.save(image, archive)
        key.write_text(digest)
        return archive


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m images", description=__doc__)
    parser.add_argument(
        "--base",
        choices=("local", "public"),
        default=os.environ.get("HOLDFAST_BASE", "local"),
        help="local: make debian:trixie-slim from Debian's packages and fetch wheels on this machine (default); "
        "public: pull the base image from the public registry and let pip fetch inside the build",
    )
    parser.add_argument("--test-images", action="store_true", help="build the images of tests and examples instead")
    parser.add_argument("--fresh", action="store_true", help="forget base image and layers first")
    return parser.parse_args(argv)


def cache_folder() -> Path:
    return Path(os.environ.get("HOLDFAST_CACHE") or Path.home() / ".cache/holdfast") / "images"


def produce_all(images: Sequence[Image], workshop: Workshop) -> list[Path]:
    """The archives of all images. Raises ImagesError."""
    if os.geteuid() != 0:
        raise commands.ImagesError("building images needs root, for buildah and debootstrap; run it again with sudo")
    programs = ("buildah",) if workshop.public else ("buildah", "debootstrap")
    commands.ensure_programs(*programs, log=workshop.folder / "apt.log")
    base_id = "public" if workshop.public else base.ensure(workshop.buildah, workshop.folder)
    return [workshop.produce(image, base_id) for image in images]


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would fight over one storage
        workshop = Workshop(folder=folder, public=options.base == "public")
        if options.fresh:
            workshop.forget()
        try:
            archives = produce_all(TEST if options.test_images else PRODUCT, workshop)
        except commands.ImagesError as error:
            print(error, file=sys.stderr)
            return 1
    for archive in archives:
        print(f"{archive}  {archive.stat().st_size / 1e6:.0f} MB")
    print(f"images: {time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
