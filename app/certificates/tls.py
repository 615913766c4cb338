"""The webhook's certificate, alive: what is in the Secret now is what new connections get, without a restart.

Loading a pair whose halves do not fit raises an error *and* leaves an SSLContext broken for all connections to come. So
each new pair is tried in a scratch context first, and whatever happens to the Secret, the last good pair is served.
"""

import contextlib
import logging
import os
import random
import ssl
from collections.abc import Iterator

from app.certificates.secret import TLS_CERT, TLS_KEY, CertificateSecret, decode
from app.cluster import resources
from app.cluster.api import Api
from app.cluster.informer import Informer
from app.settings import Settings

log = logging.getLogger(__name__)


class LiveCertificate:
    """Serves the pair in ``settings.certificate_secret``; ``run`` must be running.

    ``context`` is for the server to use from the start; handshakes fail until ``ready``.
    """

    def __init__(
        self,
        api: Api,
        settings: Settings,
        rng: random.Random,
        *,
        minimum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = minimum_version
        self.loads = 0
        self.rejected = 0
        self._pair = (b"", b"")
        self._secret: Informer[CertificateSecret] = Informer(
            api,
            resources.SECRETS,
            decode,
            namespace=settings.namespace,
            field_selector=f"metadata.name={settings.certificate_secret}",
            rng=rng,
        )
        self._secret.subscribe(self._changed)

    @property
    def ready(self) -> bool:
        """Whether there is a pair to serve. Once True it stays so."""
        return self.loads > 0

    async def run(self) -> None:
        """Follows the Secret until cancelled."""
        await self._secret.run()

    def _changed(self, _: CertificateSecret | None, secret: CertificateSecret | None) -> None:
        if secret is None:
            log.warning("the certificate's Secret is gone", extra={"serving_last": self.ready})
            return
        pair = (secret.value(TLS_CERT), secret.value(TLS_KEY))
        if pair == self._pair:
            return
        try:
            _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), *pair)
        except (ssl.SSLError, ValueError, OSError) as error:
            self.rejected += 1
            # The error's text names a reason such as KEY_VALUES_MISMATCH and nothing of the content.
            log.warning("the certificate is of no use", extra={"error": str(error), "serving_last": self.ready})
            return
        _load(self.context, *pair)
        self._pair = pair
        self.loads += 1
        log.info("serving a new certificate", extra={"version": secret.metadata.resource_version})


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Raises SSLError or ValueError when the pair cannot be used."""
    if not certificate or not key:
        raise ValueError("the Secret has no tls.crt and tls.key")
    with _in_memory(certificate) as certificate_path, _in_memory(key) as key_path:
        # Never ask on a terminal for the password of an encrypted key.
        context.load_cert_chain(certificate_path, key_path, password=b"")


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path to ``content`` for OpenSSL, which reads only files. It is never on a disk, and gone at the end."""
    descriptor = os.memfd_create("certificate")
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
