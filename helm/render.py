"""Renders the chart into `webhook-config/`, for people without Helm. `--check` only says whether it is up to date.

Standard library only; helm is taken from $HELM, from $PATH, or from where `make cluster` puts it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm/holdfast"
TARGET = ROOT / "webhook-config"
NAMESPACE = "keptn-system"
KUBERNETES = "1.34.0"  # helm's own default may be older than what the chart asks for

HEADER = "# Rendered from helm/holdfast by helm/render.py; change the chart.\n"
CUSTOM_RESOURCES = "1-crds.yaml"
EVERYTHING_ELSE = "2-holdfast.yaml"

# What only means something to Helm, which does not manage these.
HELM_ONLY = re.compile(r"^ *(helm\.sh/chart: .*|app\.kubernetes\.io/managed-by: Helm)\n", re.MULTILINE)
KEEP = re.compile(r"^ *helm\.sh/resource-policy: keep\n", re.MULTILINE)
EMPTY_ANNOTATIONS = re.compile(r"^( *)annotations:\n(?!\1 )", re.MULTILINE)
SOURCE = re.compile(r"^# Source: .*\n", re.MULTILINE)


class RenderError(Exception):
    """Why the chart cannot be rendered."""


def find_helm() -> str:
    """The helm program. Raises RenderError."""
    local = ROOT / ".localkube/bin/helm"
    found = os.environ.get("HELM") or shutil.which("helm") or (str(local) if local.exists() else None)
    if not found:
        raise RenderError("helm is not installed: `make cluster` builds it, or set HELM to the program")
    return found


def template(*options: str) -> str:
    """What `helm template` makes of the chart in the usual namespace. Raises RenderError with helm's complaint."""
    command = [find_helm(), "template", "holdfast", str(CHART), "--namespace", NAMESPACE]
    done = subprocess.run(
        [*command, "--kube-version", KUBERNETES, *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RenderError(done.stderr.strip())
    return done.stdout


def documents(text: str) -> Iterator[str]:
    """The YAML documents that hold something besides comments."""
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        if re.search(r"^kind:", document, re.MULTILINE):
            yield document.strip() + "\n"


def plain(document: str) -> str:
    """The same object without what only concerns Helm."""
    for part in (SOURCE, HELM_ONLY, KEEP, EMPTY_ANNOTATIONS):
        document = part.sub("", document)
    return document


def files() -> dict[str, str]:
    """The rendered files by name. Raises RenderError."""
    sorted_out: dict[str, list[str]] = {CUSTOM_RESOURCES: [], EVERYTHING_ELSE: []}
    for document in documents(template()):
        is_crd = "\nkind: CustomResourceDefinition\n" in f"\n{document}"
        sorted_out[CUSTOM_RESOURCES if is_crd else EVERYTHING_ELSE].append(plain(document))
    return {name: HEADER + "---\n" + "---\n".join(parts) for name, parts in sorted_out.items()}


def stale() -> list[str]:
    """Names of files that are not what the chart renders to. Raises RenderError."""
    rendered = files()
    return [
        name for name, text in rendered.items() if not (TARGET / name).exists() or (TARGET / name).read_text() != text
    ]


def main(argv: Sequence[str]) -> int:
    try:
        if "--check" in argv:
            old = stale()
            for name in old:
                print(f"webhook-config/{name} is not what the chart renders to; run python3 helm/render.py")
            return 1 if old else 0
        for name, text in files().items():
            (TARGET / name).write_text(text)
            print(f"webhook-config/{name}")
    except RenderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
