"""The base image `debian:trixie-slim`, made from Debian's own packages where no registry can be reached."""

import shutil
from pathlib import Path

from images import commands
from images.buildah import Buildah

# Where `FROM debian:trixie-slim` looks first, in a local storage, before any registry.
NAME = "localhost/debian:trixie-slim"
SUITE = "trixie"

# What the slim image on the public registry leaves out as well, now and in every later apt-get.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
KEPT = ("/usr/share/doc/*/copyright",)


def ensure(buildah: Buildah, folder: Path) -> str:
    """The base image's id; builds it first if the storage has none. Raises ImagesError."""
    known = buildah.image_id(NAME)
    if known:
        return known
    root = folder / "debian"
    packages = folder / "debian-packages"
    packages.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    with commands.step(f"debian:trixie-slim by debootstrap, from Debian's packages in {packages}"):
        commands.run(
            ["debootstrap", "--variant=minbase", f"--cache-dir={packages}", SUITE, root],
            log=folder / "debootstrap.log",
            show=r"^I: (Retrieving InRelease|Chosen|Extracting packages|Installing core|Configuring ca|Base system)",
        )
        slim_down(root)
        identity = buildah.from_folder(root, NAME)
    shutil.rmtree(root)
    return identity


def slim_down(root: Path) -> None:
    """Takes out of a fresh Debian what containers do not need, and tells dpkg to leave it out from now on."""
    rules = [f"path-exclude {path}" for path in LEFT_OUT] + [f"path-include {path}" for path in KEPT]
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text("\n".join(rules) + "\n")
    for path in LEFT_OUT:
        for found in root.glob(path.lstrip("/")):
            _remove_all_but_copyright(found)
    for folder in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
        for found in (root / folder).iterdir():
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()


def _remove_all_but_copyright(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            _remove_all_but_copyright(child)
        if not any(path.iterdir()):
            path.rmdir()
    elif path.name != "copyright":
        path.unlink()
