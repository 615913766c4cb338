"""The cluster's own authority, certificates and kubeconfigs, made with openssl."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from localkube.commands import run, succeeds
from localkube.products import digest
from localkube.settings import API_SERVICE_ADDRESS, API_URL, CLUSTER_DOMAIN, LOOPBACK, NODE_ADDRESS, NODE_NAME

LIFETIME_DAYS = 365
# Made anew when less than this is left, so that no cluster outlives its certificates by accident.
SPARE_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Certificate:
    """One certificate below an authority: subject, use and names."""

    name: str
    subject: str
    usage: str
    alternative_names: str = ""
    authority: str = "ca"

    def configuration(self) -> str:
        """The certificate as openssl's configuration. Without one, openssl's own would make it an authority."""
        lines = [
            "[req]",
            "distinguished_name = dn",
            "x509_extensions = ext",
            "prompt = no",
            "[dn]",
            *distinguished_name(self.subject),
            "[ext]",
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature",
            f"extendedKeyUsage = {self.usage}",
            "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid",
        ]
        if self.alternative_names:
            lines.append(f"subjectAltName = {self.alternative_names}")
        return "\n".join(lines) + "\n"


def distinguished_name(subject: str) -> list[str]:
    """`O=system:masters,CN=admin` as lines of openssl's configuration."""
    return [part.replace("=", " = ", 1) for part in subject.split(",")]


def alternative_names(names: list[str], addresses: list[str]) -> str:
    """Names and addresses as openssl's subjectAltName."""
    return ",".join([*(f"DNS:{name}" for name in names), *(f"IP:{address}" for address in addresses)])


API_NAMES = alternative_names(
    [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{CLUSTER_DOMAIN}",
        "localhost",
    ],
    [LOOPBACK, API_SERVICE_ADDRESS, NODE_ADDRESS],
)
KUBELET_NAMES = alternative_names([NODE_NAME], [NODE_ADDRESS, LOOPBACK])

AUTHORITIES = {"ca": "CN=localkube", "front-proxy-ca": "CN=localkube-front-proxy"}
CERTIFICATES = (
    Certificate("apiserver", "CN=kube-apiserver", "serverAuth", API_NAMES),
    Certificate("kubelet-server", f"O=system:nodes,CN=system:node:{NODE_NAME}", "serverAuth", KUBELET_NAMES),
    Certificate("apiserver-kubelet-client", "CN=kube-apiserver-kubelet-client", "clientAuth"),
    Certificate("front-proxy-client", "CN=front-proxy-client", "clientAuth", authority="front-proxy-ca"),
    Certificate("admin", "O=system:masters,CN=kubernetes-admin", "clientAuth"),
    Certificate("controller-manager", "CN=system:kube-controller-manager", "clientAuth"),
    Certificate("scheduler", "CN=system:kube-scheduler", "clientAuth"),
    Certificate("kubelet", f"O=system:nodes,CN=system:node:{NODE_NAME}", "clientAuth"),
    Certificate("kube-proxy", "CN=system:kube-proxy", "clientAuth"),
    Certificate("coredns", "CN=system:coredns", "clientAuth"),
)
KUBECONFIGS = ("controller-manager", "scheduler", "kubelet", "kube-proxy", "coredns")

AUTHORITY_CONFIGURATION = """[req]
distinguished_name = dn
x509_extensions = ext
prompt = no
[dn]
{name}
[ext]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
"""


def key() -> str:
    """Changes when a certificate would come out differently."""
    return digest([*AUTHORITIES.values(), *(certificate.configuration() for certificate in CERTIFICATES)], [])


def ensure(pki: Path) -> None:
    """Make the whole set, unless a good one is there already."""
    marker = pki / "made-from"
    if marker.exists() and marker.read_text() == key() and fresh(pki / "ca.crt"):
        return
    partial = pki.with_name(f"{pki.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    for name, subject in AUTHORITIES.items():
        configuration = AUTHORITY_CONFIGURATION.format(name="\n".join(distinguished_name(subject)))
        sign(partial, name, configuration, authority=None)
    for certificate in CERTIFICATES:
        sign(partial, certificate.name, certificate.configuration(), authority=certificate.authority)
    run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", f"{partial}/sa.key"])
    run(["openssl", "pkey", "-in", f"{partial}/sa.key", "-pubout", "-out", f"{partial}/sa.pub"])
    (partial / "made-from").write_text(key())
    shutil.rmtree(pki, ignore_errors=True)
    partial.rename(pki)


def fresh(certificate: Path) -> bool:
    """Whether a certificate is there and lasts for a while."""
    return succeeds(["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", str(SPARE_SECONDS)])


def sign(folder: Path, name: str, configuration: str, authority: str | None) -> None:
    """Make a key and a certificate, signed by an authority of the same folder or by itself."""
    file = folder / f"{name}.cnf"
    file.write_text(configuration)
    argv = ["openssl", "req", "-x509", "-new", "-sha256", "-nodes", "-days", str(LIFETIME_DAYS), "-config", str(file)]
    argv += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"]
    if authority is not None:
        argv += ["-CA", f"{folder}/{authority}.crt", "-CAkey", f"{folder}/{authority}.key"]
    run(argv)
    file.unlink()


def kubeconfig(pki: Path, name: str) -> str:
    """A kubeconfig with everything inside it, as JSON, which is YAML too."""

    def inline(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "localkube", "cluster": {"server": API_URL, "certificate-authority-data": inline("ca.crt")}},
        ],
        "users": [
            {
                "name": name,
                "user": {"client-certificate-data": inline(f"{name}.crt"), "client-key-data": inline(f"{name}.key")},
            },
        ],
        "contexts": [{"name": "localkube", "context": {"cluster": "localkube", "user": name}}],
        "current-context": "localkube",
    }
    return json.dumps(content, indent=2) + "\n"


def write_kubeconfigs(pki: Path, admin: Path) -> None:
    """Write the daemons' kubeconfigs beside their certificates, and the admin's where people look for it."""
    for name in KUBECONFIGS:
        write_private(pki / f"{name}.kubeconfig", kubeconfig(pki, name))
    write_private(admin, kubeconfig(pki, "admin"))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads; a reader never sees half of it."""
    partial = file.with_name(f".{file.name}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.rename(file)
