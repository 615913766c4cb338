import base64
import json
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localkube import certificates
from localkube.certificates import CERTIFICATES, Certificate


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state") / "pki"
    certificates.ensure(folder)
    return folder


def load(pki: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((pki / f"{name}.crt").read_bytes())


@pytest.mark.parametrize("certificate", CERTIFICATES, ids=lambda certificate: certificate.name)
def test_each_certificate_is_issued_by_its_authority_and_is_none_itself(pki: Path, certificate: Certificate) -> None:
    made = load(pki, certificate.name)
    made.verify_directly_issued_by(load(pki, certificate.authority))
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_the_api_servers_certificate_names_every_way_to_it(pki: Path) -> None:
    names = load(pki, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == [
        "127.0.0.1",
        "10.96.0.1",
        "10.250.0.1",
    ]
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_the_kubelets_identity_is_the_nodes(pki: Path) -> None:
    subject = load(pki, "kubelet").subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "system:node:localkube"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:nodes"


def test_a_clients_certificate_serves_nothing(pki: Path) -> None:
    usage = load(pki, "admin").extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_good_set_is_kept(pki: Path) -> None:
    before = (pki / "ca.crt").read_bytes()
    certificates.ensure(pki)
    assert (pki / "ca.crt").read_bytes() == before


@pytest.mark.parametrize("spoil", ["settings", "lifetime"])
def test_a_set_of_other_settings_or_little_life_is_made_anew(
    spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "CERTIFICATES", CERTIFICATES[:1])
    folder = tmp_path / "pki"
    certificates.ensure(folder)
    before = (folder / "ca.crt").read_bytes()
    if spoil == "settings":
        monkeypatch.setattr(certificates, "CERTIFICATES", CERTIFICATES[:2])
    else:
        monkeypatch.setattr(certificates, "SPARE_SECONDS", 400 * 24 * 3600)
    certificates.ensure(folder)
    assert (folder / "ca.crt").read_bytes() != before


def test_kubeconfigs_hold_everything_and_only_their_owner_reads_them(pki: Path, tmp_path: Path) -> None:
    admin = tmp_path / "kubeconfig"
    certificates.write_kubeconfigs(pki, admin)
    content = json.loads(admin.read_text())
    user = content["users"][0]["user"]
    assert base64.b64decode(user["client-certificate-data"]) == (pki / "admin.crt").read_bytes()
    assert content["clusters"][0]["cluster"]["server"] == "https://10.250.0.1:6443"
    assert os.stat(admin).st_mode & 0o777 == 0o600
    assert {file.name for file in pki.glob("*.kubeconfig")} == {
        f"{name}.kubeconfig" for name in certificates.KUBECONFIGS
    }


def test_pythons_own_tls_takes_the_pair(pki: Path) -> None:
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    assert context.get_ca_certs()[0]["subject"] == ((("commonName", "localkube"),),)
