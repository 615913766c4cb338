"""What is built from source: which module, which programs, with which settings."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from localkube.settings import COREDNS_VERSION, ETCD_VERSION, HELM_VERSION, KUBERNETES_VERSION

MODULES = Path(__file__).resolve().parent / "modules"
KUBERNETES_MAJOR, KUBERNETES_MINOR = KUBERNETES_VERSION.split(".")[:2]
COMMON_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")


@dataclass(frozen=True)
class Program:
    """One program of a product: its Go package, how it is asked for its version, and the name that Go gives it."""

    name: str
    package: str
    version_arguments: tuple[str, ...] = ("--version",)
    built_as: str | None = None


@dataclass(frozen=True)
class Product:
    """Programs that are built together from one module folder."""

    name: str
    version: str
    programs: tuple[Program, ...]
    stamps: tuple[tuple[str, str], ...] = ()

    @property
    def module(self) -> Path:
        """The folder with go.mod and go.sum, which pin every source by checksum."""
        return MODULES / self.name

    @property
    def linker_flags(self) -> str:
        """No debug tables, and the version stamps that a plain `go build` leaves empty."""
        return " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in self.stamps)])

    def key(self, machine: str | None = None) -> str:
        """Changes with anything that goes into the programs: sources, settings, processor. Twelve hex digits."""
        parts = [self.name, self.version, machine or platform.machine(), self.linker_flags, *COMMON_FLAGS]
        parts += [f"{program.name} {program.package}" for program in self.programs]
        return digest(parts, sorted(self.module.iterdir()))

    def folder(self, cache: Path) -> Path:
        """Where the finished programs lie."""
        return cache / "products" / f"{self.name}-{self.version}-{self.key()}"


def digest(parts: Iterable[str], files: Iterable[Path]) -> str:
    """Twelve hex digits over some words and files; no two different lists run into each other."""
    total = hashlib.sha256()
    for part in [*parts, *(f"{file.name}\0{file.read_text()}" for file in files)]:
        encoded = part.encode()
        total.update(f"{len(encoded)}:".encode() + encoded)
    return total.hexdigest()[:12]


def kubernetes_stamps() -> tuple[tuple[str, str], ...]:
    """Without these the programs call themselves v0.0.0, and clients refuse to talk to them."""
    values = {
        "gitVersion": f"v{KUBERNETES_VERSION}",
        "gitMajor": KUBERNETES_MAJOR,
        "gitMinor": KUBERNETES_MINOR,
        "gitTreeState": "clean",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple((f"{package}.{name}", value) for package in packages for name, value in values.items())


ETCD = Product("etcd", ETCD_VERSION, (Program("etcd", "go.etcd.io/etcd/server/v3", built_as="server"),))
KUBERNETES = Product(
    "kubernetes",
    KUBERNETES_VERSION,
    (
        Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        Program("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
        Program("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
        Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", ("version", "--client")),
    ),
    kubernetes_stamps(),
)
COREDNS = Product("coredns", COREDNS_VERSION, (Program("coredns", "holdfast/localkube/coredns", ("-version",)),))
HELM = Product(
    "helm",
    HELM_VERSION,
    (Program("helm", "helm.sh/helm/v3/cmd/helm", ("version", "--short")),),
    (
        ("helm.sh/helm/v3/internal/version.version", f"v{HELM_VERSION}"),
        # `helm template` takes these for the cluster's version; its own default is years old.
        ("helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor", KUBERNETES_MAJOR),
        ("helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor", KUBERNETES_MINOR),
        ("helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor", KUBERNETES_MAJOR),
        ("helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor", KUBERNETES_MINOR),
    ),
)
PRODUCTS = (ETCD, KUBERNETES, COREDNS, HELM)
