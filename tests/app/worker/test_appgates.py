"""Which app versions an app's gate is asked of."""

import random
from typing import Any

from app.lifecycle import apps
from app.worker import caches
from app.worker.appgates import gate_of
from tests.builders import Builder, app, app_version, version
from tests.fakes.api import FakeApi

WEB = version("shop-web-1.0").changed({"spec": {"app": "shop", "workloadName": "shop-web", "version": "1.0"}})


def known(*things: Builder[Any]) -> caches.Caches:
    known = caches.build(FakeApi(), random.Random(1))
    for thing in things:
        (known.apps if thing.KIND == "KeptnApp" else known.app_versions).observe(thing.raw)
    return known


def test_an_app_that_lists_the_version_is_asked_as_it_is_now() -> None:
    first = app("shop").discovered().lists(web="1.0")
    second = first.version("1.0", generation=2)
    older, newer = app_version(first).passed(), app_version(second).failed()
    gate = gate_of(known(second, older, newer), WEB.view)
    assert (gate.failed, gate.version) == (True, newer.view)
    assert not gate_of(known(second, older), WEB.view).open  # its own is just being made


def test_an_app_that_has_gone_on_is_asked_as_it_was() -> None:
    then = app("shop").lists(web="1.0")
    now = then.version("2.0", generation=2).lists(web="2.0")
    of_then = app_version(then).passed()
    things = known(now, of_then, app_version(now))
    assert gate_of(things, WEB.view) == apps.gate(WEB.view, now.view, [of_then.view, app_version(now).view])


def test_without_an_app_it_waits() -> None:
    gate = gate_of(known(), WEB.view)
    assert (gate.open, gate.failed, gate.version) == (False, False, None)
