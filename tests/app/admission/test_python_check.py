import asyncio
import time

import pytest

from app.admission import python_check
from app.admission.python_check import PythonCheck
from app.lifecycle.python_syntax import Unreadable


async def test_a_script_that_compiles_has_no_fault() -> None:
    assert await PythonCheck()("import requests\nprint('é')\n") is None


async def test_a_broken_script_is_known_by_line_and_column() -> None:
    fault = await PythonCheck()("x = 1\nif x\n  pass\n")
    assert fault is not None
    assert (fault.line, fault.column) == (2, 5)


async def test_what_would_hold_an_interpreter_for_minutes_is_given_up_in_time() -> None:
    endless = "f'" + "{a}" * 300_000 + "'"
    begun = time.monotonic()
    with pytest.raises(Unreadable, match="takes more than"):
        await PythonCheck(seconds=0.3)(endless)
    assert time.monotonic() - begun < 2


async def test_the_processor_time_of_a_child_is_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_check, "_CHILD", python_check._CHILD.replace("main()", "\nwhile True: pass"))
    limits = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2)); "
    monkeypatch.setattr(python_check, "_CHILD", limits + python_check._CHILD)
    with pytest.raises(Unreadable, match="s to read"):
        await PythonCheck(seconds=10)("x = 1")


async def test_the_memory_of_a_child_is_limited() -> None:
    # 18 nested try-finally take 760 MB in 3.11, and 1 MB of short lines 270 MB.
    with pytest.raises(Unreadable, match="too large"):
        await PythonCheck()("a = [1, 2, 'x']\n" * 62_000)


async def test_the_webhook_answers_others_meanwhile() -> None:
    check = PythonCheck(seconds=0.5)
    slow = asyncio.create_task(check("f'" + "{a}" * 300_000 + "'"))
    ticks = 0
    while not slow.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 20
    with pytest.raises(Unreadable):
        slow.result()


async def test_one_script_is_looked_at_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running = 0
    most = 0

    async def in_child(code: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    monkeypatch.setattr(python_check, "_in_child", in_child)
    check = PythonCheck()
    await asyncio.gather(*(check("x") for _ in range(5)))
    assert most == 1


async def test_a_child_that_cannot_be_started_or_dies_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_check, "_CHILD", "import os; os._exit(7)")
    with pytest.raises(Unreadable, match="ended with 7"):
        await PythonCheck()("x = 1")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(Unreadable, match="no process could be started"):
        await PythonCheck()("x = 1")
