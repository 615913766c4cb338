"""Our own certificate authority: what it issues, and when.

Nothing here reads a clock or the cluster. ``decide`` looks at the Secret's content and says what is to be done next;
done again and again it leads from nothing, from garbage or from an ageing CA to a pair that is good for days.

A new CA is always stored together with its predecessor (``ca.crt.old``) and with the pair that servers use until now.
Only when both are trusted everywhere is the pair replaced (``NewLeaf``). So no client ever meets a server whose
certificate it does not trust yet.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.certificates.secret import CA_CERT, CA_CERT_OLD, CA_KEY, TLS_CERT, TLS_KEY, CertificateSecret

CA_LIFE: Final = timedelta(days=365)
LEAF_LIFE: Final = timedelta(days=7)
# Clocks of other machines may be behind ours.
BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """What the Secret holds, as PEM; empty where it holds nothing."""

    ca_key: bytes = b""
    ca_cert: bytes = b""
    ca_cert_old: bytes = b""
    tls_key: bytes = b""
    tls_cert: bytes = b""

    @classmethod
    def of(cls, secret: CertificateSecret | None) -> "Contents":
        if secret is None:
            return cls()
        keys = (CA_KEY, CA_CERT, CA_CERT_OLD, TLS_KEY, TLS_CERT)
        return cls(*(secret.value(key) for key in keys))

    def data(self) -> dict[str, bytes]:
        """By the Secret's keys."""
        return {
            CA_KEY: self.ca_key,
            CA_CERT: self.ca_cert,
            CA_CERT_OLD: self.ca_cert_old,
            TLS_KEY: self.tls_key,
            TLS_CERT: self.tls_cert,
        }


@dataclass(frozen=True, slots=True)
class Keep:
    """All is well until ``check_at``."""

    check_at: datetime


@dataclass(frozen=True, slots=True)
class NewAuthority:
    """To be stored at once."""

    contents: Contents


@dataclass(frozen=True, slots=True)
class NewLeaf:
    """To be stored once clients trust ``bundle`` of the present contents. ``in_use``: servers have a good pair now."""

    contents: Contents
    in_use: bool


Decision = Keep | NewAuthority | NewLeaf


def dns_names(service: str, namespace: str) -> tuple[str, ...]:
    """The names by which a Service is reached within a cluster; the API server uses the third."""
    return (
        service,
        f"{service}.{namespace}",
        f"{service}.{namespace}.svc",
        f"{service}.{namespace}.svc.cluster.local",
    )


def decide(contents: Contents, now: datetime, names: tuple[str, ...], last_good: Contents | None = None) -> Decision:
    """The next step for a Secret with these contents.

    ``last_good`` is what it held when all was well, if that is known: when the Secret is gone or garbage, its CA and
    pair are carried over, since servers still use the pair.
    """
    authority = _certificate(contents.ca_cert)
    if authority is None or not _is_authority(authority, contents.ca_key, now):
        return NewAuthority(_succeeded(contents if authority is not None else last_good or contents, now))
    if now >= _renewal(authority):
        return NewAuthority(_succeeded(contents, now))
    leaf = _certificate(contents.tls_cert)
    usable = leaf is not None and _is_key_of(leaf, contents.tls_key) and _is_current(leaf, now)
    issued = leaf is not None and usable and _is_issued_by(leaf, authority)
    if leaf is not None and issued and _has_names(leaf, names) and now < _renewal(leaf):
        return Keep(min(_renewal(leaf), _renewal(authority)))
    # By the first renewal of a pair that the present CA issued, nobody has one of its predecessor any more.
    old = b"" if issued else contents.ca_cert_old
    tls_key, tls_cert = issue_leaf(contents.ca_key, authority, now, names)
    new = replace(contents, tls_key=tls_key, tls_cert=tls_cert, ca_cert_old=old)
    return NewLeaf(new, in_use=is_valid(contents, now))


def is_valid(contents: Contents, now: datetime) -> bool:
    """Whether there is a pair that clients who trust ``bundle`` accept at this moment."""
    leaf = _certificate(contents.tls_cert)
    if leaf is None or not _is_key_of(leaf, contents.tls_key) or not _is_current(leaf, now):
        return False
    authorities = (_certificate(contents.ca_cert), _certificate(contents.ca_cert_old))
    return any(ca is not None and _is_current(ca, now) and _is_issued_by(leaf, ca) for ca in authorities)


def bundle(contents: Contents, now: datetime) -> bytes:
    """What clients are to trust: the CA and, while it is not over, its predecessor. Empty when there is no CA."""
    authorities = (_certificate(contents.ca_cert), _certificate(contents.ca_cert_old))
    current = [_pem(ca) for ca in authorities if ca is not None and _is_current(ca, now)]
    return b"".join(dict.fromkeys(current))


def issue_authority(now: datetime) -> tuple[bytes, bytes]:
    """A new CA's key and certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "holdfast"),
            x509.NameAttribute(NameOID.COMMON_NAME, "holdfast-ca"),
        ]
    )
    certificate = (
        _builder(now, CA_LIFE, key.public_key())
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key), _pem(certificate)


def issue_leaf(
    ca_key: bytes, authority: x509.Certificate, now: datetime, names: tuple[str, ...]
) -> tuple[bytes, bytes]:
    """A server's key and certificate for ``names``, as PEM. Raises ValueError when the CA's key is of no use."""
    signer = _private_key(ca_key)
    if signer is None:
        raise ValueError("the CA's key cannot be read")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(now, min(LEAF_LIFE, authority.not_valid_after_utc - now), key.public_key())
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "holdfast")]))
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _key_pem(key), _pem(certificate)


def _succeeded(before: Contents, now: datetime) -> Contents:
    """A new CA, with what is still of use of ``before``."""
    predecessors = (before.ca_cert, before.ca_cert_old)
    old = next((pem for pem in predecessors if (ca := _certificate(pem)) is not None and _is_current(ca, now)), b"")
    key, cert = issue_authority(now)
    return replace(before, ca_key=key, ca_cert=cert, ca_cert_old=old)


def _builder(now: datetime, life: timedelta, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(pem: bytes) -> x509.Certificate | None:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.public_key()
        _ = certificate.extensions
    except Exception:
        # Whatever a parser makes of garbage: it is not a certificate that we could use.
        return None
    return certificate


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except Exception:
        return None
    # What else a key may be cannot sign with SHA-256.
    return key if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None


def _is_key_of(certificate: x509.Certificate, pem: bytes) -> bool:
    key = _private_key(pem)
    return key is not None and key.public_key() == certificate.public_key()


def _is_authority(certificate: x509.Certificate, key: bytes, now: datetime) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and _is_key_of(certificate, key) and _is_current(certificate, now)


def _is_issued_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _has_names(leaf: x509.Certificate, names: tuple[str, ...]) -> bool:
    try:
        value = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return set(names) <= set(value.get_values_for_type(x509.DNSName))


def _is_current(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _renewal(certificate: x509.Certificate) -> datetime:
    """When two thirds of its life are over."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begin + (end - begin) * 2 / 3


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
