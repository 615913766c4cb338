"""The webhook's certificates from nothing to the end of time, by the worker that leads.

It subscribes to the Secret and to all places of the CA before it acts, so no change in between is missed. Time is
looked at each minute by the wall clock: a machine that slept, or whose clock was set, misses timers, but not that.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from datetime import datetime

from app.certificates import authority
from app.certificates.authority import Contents
from app.certificates.injector import Injector
from app.certificates.secret import CertificateSecret, decode
from app.certificates.store import Outdated, SecretStore
from app.cluster import backoff, errors, resources
from app.cluster.api import Api
from app.cluster.informer import Informer
from app.settings import Settings

log = logging.getLogger(__name__)

# How long a bundle must be everywhere before servers change to a pair of a new CA: API servers hear of it by watches.
SETTLE_SECONDS = 30.0
_CHECK_SECONDS = 60.0


class CertificateManager:
    """Issues, stores, renews and makes known, where ``settings.certificate_source`` is ``self``.

    Where it is ``external``, somebody else writes the Secret, and it is never written here; its ``ca.crt`` is made
    known only if ``inject_external`` asks for it (cert-manager.io has an injector of its own).
    """

    def __init__(
        self,
        api: Api,
        settings: Settings,
        now: Callable[[], datetime],
        rng: random.Random,
        *,
        inject_external: bool = False,
    ) -> None:
        self._now = now
        self._rng = rng
        self._issues = settings.certificate_source == "self"
        self._injects = self._issues or inject_external
        self._names = authority.dns_names(settings.webhook_service, settings.namespace)
        self._store = SecretStore(api, settings.namespace, settings.certificate_secret)
        self._injector = Injector(api, (settings.namespace, settings.webhook_service), rng)
        self._secret: Informer[CertificateSecret] = Informer(
            api,
            resources.SECRETS,
            decode,
            namespace=settings.namespace,
            field_selector=f"metadata.name={settings.certificate_secret}",
            rng=rng,
        )
        self._name = (settings.namespace, settings.certificate_secret)
        self._last_good: Contents | None = None
        self._wake = asyncio.Event()
        self._secret.subscribe(lambda old, new: self._wake.set())
        self._injector.subscribe(self._wake.set)

    @property
    def ready(self) -> bool:
        """Whether servers have a pair that is good now and, if that is up to us, everybody trusts it."""
        contents = Contents.of(self._current())
        trusted = not self._injects or self._injector.everywhere_since is not None
        if self._issues:
            return trusted and authority.is_valid(contents, self._now())
        return trusted and bool(contents.tls_cert and contents.tls_key)

    async def run(self) -> None:
        """Until cancelled. No failure of the API ends it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._secret.run())
            if self._injects:
                group.create_task(self._injector.run())
            await self._secret.synced()
            failures = 0
            while True:
                self._wake.clear()
                pause = await self._try_step()
                failures = 0 if pause is not None else failures + 1
                if pause is None:
                    pause = backoff.delay(failures, base=0.1, cap=5.0, rng=self._rng)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()

    async def _try_step(self) -> float | None:
        """As ``_step``; None when that failed."""
        try:
            return await self._step()
        except Outdated:
            log.info("somebody else wrote the certificates, reading them again")
        except errors.ApiError as error:
            log.warning("the certificates could not be stored", extra={"error": str(error)})
        except Exception:
            log.exception("looking after the certificates failed")
        return None

    async def _step(self) -> float:
        """Does what is next, if anything. Returns after how many seconds to look again at the latest."""
        current = self._current()
        contents, now = Contents.of(current), self._now()
        if self._injects:
            self._injector.put(authority.bundle(contents, now) if self._issues else contents.ca_cert)
        if not self._issues:
            return _CHECK_SECONDS
        decision = authority.decide(contents, now, self._names, self._last_good)
        if isinstance(decision, authority.Keep):
            self._last_good = contents
            return max(0.0, min(_CHECK_SECONDS, (decision.check_at - now).total_seconds()))
        if isinstance(decision, authority.NewLeaf):
            since = self._injector.everywhere_since
            if since is None:
                return _CHECK_SECONDS
            settled = since + SETTLE_SECONDS - asyncio.get_running_loop().time()
            if decision.in_use and settled > 0:
                return settled
            log.info("storing a new server certificate")
        else:
            log.info("storing a new CA", extra={"had_one": bool(contents.ca_cert)})
        self._secret.observe(await self._store.write(decision.contents, current))
        return 0.0

    def _current(self) -> CertificateSecret | None:
        return self._secret.get(*self._name)
