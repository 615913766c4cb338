"""Where the cluster is and who we are, from a kubeconfig file."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class KubeConfig:
    """One server and one identity. Certificates are paths of files, "" for none."""

    file: Path
    server: str
    authority: str
    certificate: str
    key: str
    token: str


def of_the_tests() -> Path:
    """The cluster to test on. Fails the test if there is none."""
    chosen = Path(os.environ.get("KUBECONFIG_HOLDFAST") or REPOSITORY / ".localkube" / "kubeconfig")
    if not chosen.is_file():
        pytest.fail(f"there is no kubeconfig {chosen}: run make cluster, or set KUBECONFIG_HOLDFAST", pytrace=False)
    return chosen


def load(file: Path, scratch: Path) -> KubeConfig:
    """The current context of `file`. Certificates that stand in the file itself are written to the folder `scratch`."""
    text: dict[str, Any] = yaml.safe_load(file.read_text())
    context = _named(text["contexts"], text["current-context"])["context"]
    cluster = _named(text["clusters"], context["cluster"])["cluster"]
    user = _named(text["users"], context["user"])["user"]

    def path(of: dict[str, Any], field: str) -> str:
        if f"{field}-data" in of:
            target = scratch / field
            target.touch(mode=0o600)
            target.write_bytes(base64.b64decode(of[f"{field}-data"]))
            return str(target)
        return str((file.parent / of[field]).resolve()) if of.get(field) else ""

    return KubeConfig(
        file=file,
        server=cluster["server"].rstrip("/"),
        authority=path(cluster, "certificate-authority"),
        certificate=path(user, "client-certificate"),
        key=path(user, "client-key"),
        token=user.get("token", ""),
    )


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
