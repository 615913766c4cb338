import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from app.certificates import authority
from app.certificates.authority import Contents, Decision, Keep, NewAuthority, NewLeaf
from app.certificates.tls import _load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = authority.dns_names("lifecycle-webhook-service", "keptn-system")
DAY = timedelta(days=1)


def settled(contents: Contents, now: datetime, last_good: Contents | None = None) -> Contents:
    """What the Secret holds once there is nothing more to do."""
    for _ in range(3):
        decision = authority.decide(contents, now, NAMES, last_good)
        if isinstance(decision, Keep):
            return contents
        contents = decision.contents
    raise AssertionError("decisions come to no end")


GOOD = settled(Contents(), NOW)


def decide(contents: Contents, now: datetime = NOW, last_good: Contents | None = None) -> Decision:
    return authority.decide(contents, now, NAMES, last_good)


def accepted(bundle: bytes, contents: Contents, name: str = NAMES[2]) -> bool:
    """Whether a strict client that trusts ``bundle`` shakes hands with a server of these contents, as of today."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(server, contents.tls_cert, contents.tls_key)
    client = ssl.create_default_context(cadata=bundle.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
    return True


def test_nothing_becomes_an_authority_then_a_pair_then_peace() -> None:
    first = decide(Contents())
    assert isinstance(first, NewAuthority)
    assert not first.contents.tls_cert
    second = decide(first.contents)
    assert isinstance(second, NewLeaf)
    assert not second.in_use
    third = decide(second.contents)
    assert isinstance(third, Keep)
    # Two thirds of seven days and the hour that it is backdated.
    assert third.check_at == NOW - timedelta(hours=1) + (7 * DAY + timedelta(hours=1)) * 2 / 3


def test_the_names_are_those_of_a_service() -> None:
    assert authority.dns_names("s", "n") == ("s", "s.n", "s.n.svc", "s.n.svc.cluster.local")


def test_what_is_issued_lasts_as_long_as_promised_and_is_backdated_an_hour() -> None:
    for pem, life in ((GOOD.ca_cert, 365 * DAY), (GOOD.tls_cert, 7 * DAY)):
        certificate = x509.load_pem_x509_certificate(pem)
        assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
        assert certificate.not_valid_after_utc == NOW + life
    key = load_pem_private_key(GOOD.tls_key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert GOOD.tls_key.startswith(b"-----BEGIN PRIVATE KEY-----"), "PKCS8"


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_client_accepts_the_pair_under_each_name(name: str) -> None:
    today = settled(Contents(), datetime.now(UTC))
    assert accepted(authority.bundle(today, datetime.now(UTC)), today, name)
    assert not accepted(authority.bundle(today, datetime.now(UTC)), today, "other.svc")


def test_f24_a_pair_is_renewed_at_two_thirds_of_its_life_by_the_same_authority() -> None:
    keep = decide(GOOD)
    assert isinstance(keep, Keep)
    assert isinstance(decide(GOOD, keep.check_at - timedelta(seconds=1)), Keep)
    renewal = decide(GOOD, keep.check_at)
    assert isinstance(renewal, NewLeaf)
    assert renewal.in_use
    assert renewal.contents.ca_cert == GOOD.ca_cert
    assert renewal.contents.tls_cert != GOOD.tls_cert
    assert isinstance(decide(renewal.contents, keep.check_at), Keep)


def test_f24_a_pair_that_has_expired_is_replaced_without_waiting_for_anybody() -> None:
    decision = decide(GOOD, NOW + 8 * DAY)
    assert isinstance(decision, NewLeaf)
    assert not decision.in_use
    assert not authority.is_valid(GOOD, NOW + 8 * DAY)


def old_enough() -> tuple[Contents, datetime]:
    """Contents in good order whose CA is due."""
    now = NOW + 244 * DAY
    return settled(GOOD, now - 2 * DAY), now


def test_f25_a_rotation_stores_the_new_authority_beside_the_old_and_leaves_the_pair() -> None:
    before, now = old_enough()
    assert before.ca_cert == GOOD.ca_cert
    decision = decide(before, now)
    assert isinstance(decision, NewAuthority)
    after = decision.contents
    assert after.ca_cert != before.ca_cert
    assert (after.ca_cert_old, after.tls_cert, after.tls_key) == (before.ca_cert, before.tls_cert, before.tls_key)
    assert authority.is_valid(after, now)
    assert authority.bundle(after, now) == after.ca_cert + before.ca_cert
    leaf = decide(after, now)
    assert isinstance(leaf, NewLeaf)
    assert leaf.in_use
    assert authority.bundle(leaf.contents, now) == authority.bundle(after, now), "both are trusted through the switch"


def test_f25_at_each_moment_of_a_rotation_clients_accept_the_servers_there_are() -> None:
    now = datetime.now(UTC)
    begin = now - 243.5 * DAY
    before = settled(settled(Contents(), begin), now - 2 * DAY)
    step = decide(before, now)
    assert isinstance(step, NewAuthority)
    leaf = decide(step.contents, now)
    assert isinstance(leaf, NewLeaf)
    old_clients, new_clients = authority.bundle(before, now), authority.bundle(step.contents, now)
    assert accepted(old_clients, before)
    assert accepted(old_clients, step.contents)
    assert accepted(new_clients, before), "a server that has not reloaded"
    assert accepted(new_clients, leaf.contents)
    assert not accepted(old_clients, leaf.contents), "which is why the bundle goes first"


def test_the_old_authority_is_dropped_by_the_first_renewal_after_the_switch() -> None:
    before, now = old_enough()
    rotated = settled(before, now)
    assert rotated.ca_cert_old == before.ca_cert
    assert settled(rotated, now + 3 * DAY).ca_cert_old == before.ca_cert
    assert settled(rotated, now + 5 * DAY).ca_cert_old == b""


def test_an_old_authority_is_trusted_only_while_it_lasts() -> None:
    before, now = old_enough()
    rotated = replace(settled(before, now), tls_cert=b"", tls_key=b"")
    assert authority.bundle(rotated, NOW + 364 * DAY).count(b"BEGIN") == 2
    assert authority.bundle(rotated, NOW + 366 * DAY) == rotated.ca_cert


def test_a_certificate_that_is_there_twice_is_in_the_bundle_once() -> None:
    assert authority.bundle(replace(GOOD, ca_cert_old=GOOD.ca_cert), NOW) == GOOD.ca_cert


OTHER = settled(Contents(), NOW)

BROKEN_CA = {
    "no key": replace(GOOD, ca_key=b""),
    "another's key": replace(GOOD, ca_key=OTHER.ca_key),
    "a garbage key": replace(GOOD, ca_key=b"garbage"),
    "a server's pair": replace(GOOD, ca_cert=GOOD.tls_cert, ca_key=GOOD.tls_key),
    "a garbage certificate": replace(GOOD, ca_cert=b"garbage"),
    "no certificate": replace(GOOD, ca_cert=b""),
}


@pytest.mark.parametrize("contents", BROKEN_CA.values(), ids=BROKEN_CA)
def test_f26_a_broken_authority_is_replaced_and_the_pair_in_use_kept_for_now(contents: Contents) -> None:
    decision = decide(contents)
    assert isinstance(decision, NewAuthority)
    assert decision.contents.tls_cert == GOOD.tls_cert
    assert authority.is_valid(settled(contents, NOW), NOW)


BROKEN_LEAF = {
    "no key": replace(GOOD, tls_key=b""),
    "another's key": replace(GOOD, tls_key=OTHER.tls_key),
    "garbage": replace(GOOD, tls_cert=b"garbage", tls_key=b"\xff\xfe"),
    "another's pair": replace(GOOD, tls_cert=OTHER.tls_cert, tls_key=OTHER.tls_key),
}


@pytest.mark.parametrize("contents", BROKEN_LEAF.values(), ids=BROKEN_LEAF)
def test_f26_a_pair_that_nobody_can_use_is_replaced_at_once(contents: Contents) -> None:
    assert not authority.is_valid(contents, NOW)
    decision = decide(contents)
    assert isinstance(decision, NewLeaf)
    assert not decision.in_use
    assert decision.contents.ca_cert == GOOD.ca_cert
    assert authority.is_valid(decision.contents, NOW)


def test_a_pair_for_other_names_is_replaced() -> None:
    decision = authority.decide(GOOD, NOW, (*NAMES, "new.example"))
    assert isinstance(decision, NewLeaf)
    assert decision.in_use
    assert isinstance(authority.decide(GOOD, NOW, NAMES[:2]), Keep)


@pytest.mark.parametrize("contents", [Contents(), replace(GOOD, ca_cert=b"x", ca_key=b"y", tls_cert=b"z")])
def test_f26_a_lost_secret_is_followed_by_one_that_clients_of_the_last_can_live_with(contents: Contents) -> None:
    decision = decide(contents, last_good=GOOD)
    assert isinstance(decision, NewAuthority)
    after = decision.contents
    assert (after.ca_cert_old, after.tls_cert, after.tls_key) == (GOOD.ca_cert, GOOD.tls_cert, GOOD.tls_key)
    assert after.ca_cert != GOOD.ca_cert, "whoever deletes a Secret may want to be rid of what it held"
    assert authority.is_valid(after, NOW)


def plain(key: bytes, cert: bytes) -> bytes:
    """The certificate without any extension, signed by its own key again."""
    certificate, signer = x509.load_pem_x509_certificate(cert), load_pem_private_key(key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder(certificate.issuer, certificate.subject, signer.public_key(), certificate.serial_number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_certificate_that_does_not_say_it_may_sign_is_no_authority() -> None:
    assert isinstance(decide(replace(GOOD, ca_cert=plain(GOOD.ca_key, GOOD.ca_cert))), NewAuthority)


def test_a_pair_that_names_nobody_is_replaced() -> None:
    ca = x509.load_pem_x509_certificate(GOOD.ca_cert)
    key, cert = authority.issue_leaf(GOOD.ca_key, ca, NOW, ())
    assert isinstance(decide(replace(GOOD, tls_key=key, tls_cert=cert)), NewLeaf)
    # As made by a CA that we have taken over, with no extensions at all.
    bare = plain(GOOD.ca_key, GOOD.ca_cert)
    assert isinstance(decide(replace(GOOD, tls_key=GOOD.ca_key, tls_cert=bare)), NewLeaf)


def test_a_pair_cannot_be_issued_without_the_authoritys_key() -> None:
    with pytest.raises(ValueError, match="key"):
        authority.issue_leaf(b"garbage", x509.load_pem_x509_certificate(GOOD.ca_cert), NOW, NAMES)


def test_f29_a_clock_an_hour_behind_still_accepts_what_was_just_issued() -> None:
    assert isinstance(decide(GOOD, NOW - timedelta(minutes=59)), Keep)
    assert authority.is_valid(GOOD, NOW - timedelta(minutes=59))
    assert not authority.is_valid(GOOD, NOW - timedelta(minutes=61))


@given(st.builds(Contents, *[st.sampled_from([b"", b"junk", *GOOD.data().values(), *OTHER.data().values()])] * 5))
def test_f26_whatever_the_secret_holds_a_few_steps_lead_to_a_good_pair(contents: Contents) -> None:
    assert authority.is_valid(settled(contents, NOW), NOW)


@given(st.binary(max_size=60))
def test_f26_any_bytes_at_all_are_survived(data: bytes) -> None:
    pem = b"-----BEGIN CERTIFICATE-----\n" + data + b"\n-----END CERTIFICATE-----\n"
    for contents in (replace(GOOD, tls_cert=pem), replace(GOOD, ca_cert=pem, tls_key=data)):
        assert authority.is_valid(settled(contents, NOW), NOW)


def test_the_contents_show_nothing_of_a_key() -> None:
    assert "PRIVATE" not in repr(GOOD)
    assert "PRIVATE" not in repr(NewAuthority(GOOD))
