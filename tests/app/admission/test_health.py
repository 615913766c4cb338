"""What the kubelet is told."""

import httpx2
import pytest

from app.admission.health import Health


async def ask(health: Health, path: str) -> tuple[int, str]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=health), base_url="http://probe") as http:
        answer = await http.get(path)
    return answer.status_code, answer.text


async def test_ready_once_nothing_is_missing() -> None:
    missing = ["certificate", "daemonsets"]
    health = Health(lambda: missing)
    assert await ask(health, "/readyz") == (503, "waiting for certificate, daemonsets")
    missing.clear()
    assert await ask(health, "/readyz") == (200, "ok")


async def test_not_ready_while_draining_but_alive() -> None:
    health = Health(list)
    health.draining = True
    assert await ask(health, "/readyz") == (503, "shutting down")
    assert await ask(health, "/healthz") == (200, "ok")


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz/x"])
async def test_nothing_else_is_there(path: str) -> None:
    assert (await ask(Health(list), path))[0] == 404
