"""kubectl, helm and ctr, ready to use for this cluster, in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from localkube.images import ctr
from localkube.paths import Paths

LINKED = ("kubectl", "helm")


def link(paths: Paths, programs: Mapping[str, Path]) -> dict[str, Path]:
    """Link kubectl and helm into `bin`, and write a `ctr` that knows our containerd. Gives each tool's path."""
    paths.bin.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in LINKED:
        found[name] = paths.bin / name
        partial = paths.bin / f".{name}"
        partial.unlink(missing_ok=True)
        partial.symlink_to(programs[name])
        partial.rename(found[name])
    found["ctr"] = paths.bin / "ctr"
    partial = paths.bin / ".ctr"
    partial.write_text(f'#!/bin/sh\nexec {" ".join(ctr(paths))} "$@"\n')
    partial.chmod(0o755)
    partial.rename(found["ctr"])
    return found
