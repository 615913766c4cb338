"""buildah, with a storage of our own, so that nobody else's images are seen or touched."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from images import commands
from images.catalog import Image


@dataclass(frozen=True, slots=True)
class Buildah:
    storage: Path

    def command(self, *arguments: str | Path) -> list[str | Path]:
        return ["buildah", "--root", self.storage, "--runroot", self.storage / "run", *arguments]

    def clear(self) -> None:
        """Removes what a build that failed or was stopped left mounted. Raises ImagesError."""
        commands.output(self.command("rm", "--all"))

    def forget(self) -> None:
        """Removes the whole storage. Raises ImagesError."""
        if not self.storage.exists():
            return
        self.clear()
        # The storage driver keeps its own folder mounted on itself between runs.
        commands.output(["sh", "-c", 'umount --quiet "$1" || true', "sh", self.storage / "overlay"])
        shutil.rmtree(self.storage)

    def image_id(self, name: str) -> str | None:
        """The id of the image in our storage, or None. Raises ImagesError."""
        text = commands.output(self.command("images", "--json"))
        for image in json.loads(text or "null") or ():
            if name in (image["names"] or ()):
                return str(image["id"])
        return None

    def from_folder(self, root: Path, name: str) -> str:
        """Makes an image of one layer out of a root file system; its id. Raises ImagesError."""
        archive = root.with_suffix(".tar")
        commands.output(["tar", "--create", "--file", archive, "--directory", root, "--numeric-owner", "."])
        container = commands.output(self.command("from", "scratch"))
        try:
            commands.output(self.command("add", "--quiet", container, archive, "/"))
            commands.output(self.command("config", "--cmd", "bash", container))
            return commands.output(self.command("commit", "--quiet", container, name))
        finally:
            commands.output(self.command("rm", container))
            archive.unlink()

    def build(self, image: Image, *, context: Path, wheels: Path | None, pull: bool, log: Path) -> None:
        """Builds one Dockerfile as it is. `wheels`: Python packages for a build whose pip has no network."""
        options: list[str | Path] = [] if pull else ["--pull-never"]
        if wheels:
            options += ["--build-context", f"wheels={wheels}", "--build-arg", "PIP_ARGS=--no-index"]
        self.clear()
        commands.run(
            self.command(
                "bud",
                *("--isolation", "chroot", "--layers", "--tag", image.name),
                *("--file", context / image.dockerfile, *options, context),
            ),
            log=log,
            show=r"^(\[\d+/\d+\] )?STEP \d",
        )

    def save(self, image: Image, archive: Path) -> None:
        """Writes the image as a docker archive that container runtimes import. Raises ImagesError."""
        unfinished = archive.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        commands.output(self.command("push", "--quiet", image.name, f"docker-archive:{unfinished}:{image.name}"))
        unfinished.replace(archive)
