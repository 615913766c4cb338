"""Loads the images into the cluster, installs the Helm chart and waits until Holdfast is ready. `make install` runs it.

Standard library only. The cluster is the one of $KUBECONFIG; helm and kubectl are taken from $PATH.
"""

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm/holdfast"
RELEASE = "holdfast"
DEPLOYMENTS = ("lifecycle-operator", "lifecycle-operator-webhook")
IMAGES = ("holdfast", "deno-runtime", "python-runtime")
WAIT_SECONDS = 180

sys.path.insert(0, str(ROOT))

from images.build import build  # noqa: E402
from images.catalog import PRODUCT, TEST  # noqa: E402
from images.commands import ImagesError  # noqa: E402


class InstallError(Exception):
    """Why it was not installed, and what to do."""


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    start = time.monotonic()
    try:
        archives = build((*PRODUCT, *TEST))
        deliver(archives, options)
        upgrade(options, digest(archives))
        for name in DEPLOYMENTS:
            run(["kubectl", "-n", options.namespace, "rollout", "status", f"deployment/{name}",
                 f"--timeout={WAIT_SECONDS}s"], "waiting until ready")  # fmt: skip
    except (InstallError, ImagesError) as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    print(f"Holdfast is ready in namespace {options.namespace} ({time.monotonic() - start:.0f} s)")
    return 0


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="helm/install.py", description=__doc__)
    parser.add_argument("--namespace", default="keptn-system")
    parser.add_argument("--tag", default="dev")
    parser.add_argument("--registry", default="", help="push the images there (host/path) instead of loading them")
    parser.add_argument("--load", default="", help="a command that takes an image archive, such as that of kind")
    parser.add_argument("--current", action="store_true", help="the cluster is the caller's own")
    parser.add_argument("--set", action="append", default=[], help="a value for Helm, as with helm --set")
    return parser.parse_args(argv)


def deliver(archives: Sequence[Path], options: argparse.Namespace) -> None:
    """Brings the images where the cluster's nodes find them: a registry, the caller's own loader, or our node."""
    if options.registry:
        for archive in archives:
            target = f"{options.registry}/{archive.stem}:{options.tag}"
            run(["buildah", "push", f"docker-archive:{archive}", f"docker://{target}"], f"pushing {target}")
    elif options.load:
        for archive in archives:
            run([*shlex.split(options.load), str(archive)], f"loading {archive.stem}")
    else:
        try:
            run([sys.executable, "-m", "localkube", "load", *map(str, archives)], "loading images")
        except InstallError as error:
            if not options.current:
                raise
            raise InstallError(
                f"{error}\nFor a cluster that is not localkube's, say where its nodes get the images from: "
                "REGISTRY=host/path to push them there, or LOAD='kind load image-archive' or the like"
            ) from None


def upgrade(options: argparse.Namespace, content: str) -> None:
    """Installs or upgrades the release. The digest in the pods' annotations rolls them when an image has changed."""
    prefix = options.registry or "holdfast"
    values = {
        "image.repository": f"{prefix}/holdfast",
        "image.tag": options.tag,
        "env.functionRunnerImage": f"{prefix}/deno-runtime:{options.tag}",
        "env.pythonRunnerImage": f"{prefix}/python-runtime:{options.tag}",
        "podAnnotations.holdfast-images": content,
    }
    command = ["helm", "upgrade", "--install", RELEASE, str(CHART), "--namespace", options.namespace]
    # CRDs stay when a release goes, so they may still bear the marks of another: of Keptn's own, for one.
    command += ["--create-namespace", "--take-ownership", "--wait", f"--timeout={WAIT_SECONDS}s"]
    for key, value in values.items():
        command += ["--set-string", f"{key}={value}"]
    for each in options.set:
        command += ["--set", each]
    run(command, "installing the chart")


def digest(archives: Sequence[Path]) -> str:
    """Twelve hex digits that change when an image does. The archives' own digests lie beside them."""
    lines = [archive.with_suffix(".digest").read_text() for archive in archives if archive.stem in IMAGES]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def run(command: Sequence[str], what: str) -> None:
    """Runs one step and says how long it took. Raises InstallError with its output if it fails."""
    begin = time.monotonic()
    print(f"  {what} ...", flush=True)
    try:
        done = subprocess.run(command, cwd=ROOT, env=os.environ, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        raise InstallError(f"{command[0]} is not installed; `make cluster` builds it, or install it yourself") from None
    if done.returncode != 0:
        raise InstallError(f"{what} failed: {' '.join(command[:4])} ...\n{done.stdout}{done.stderr}")
    print(f"  {what}: {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
