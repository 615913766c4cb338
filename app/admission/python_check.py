"""Python's syntax, looked at in a process of its own: compiling text that others wrote has no bound on time or memory,
and holds the interpreter's lock all the while.
"""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

from app.admission.python_child import CPU_SECONDS
from app.lifecycle.python_syntax import Fault, Unreadable

_SECONDS = 3.0
# Without site-packages, which would be most of the child's start.
_CHILD = "import sys; sys.path.append(sys.argv[1]); from app.admission.python_child import main; main()"
_ROOT = str(Path(__file__).parents[2])


class PythonCheck:
    """Looks at scripts one at a time, so that it never takes more than one child's memory."""

    def __init__(self, *, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, code: str) -> Fault | None:
        """The first fault of a script, None for none.

        Raises Unreadable when it takes too long, too much memory, or cannot be looked at just now.
        """
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                return await _in_child(code)
        except TimeoutError:
            raise Unreadable(f"it takes more than {self._seconds:g} s to read") from None
        except OSError as error:
            raise Unreadable(f"no process could be started for it ({error})") from None


async def _in_child(code: str) -> Fault | None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", "-c", _CHILD, _ROOT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await process.communicate(code.encode(errors="surrogatepass"))
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == -signal.SIGXCPU:
        raise Unreadable(f"it takes more than {CPU_SECONDS} s to read")
    if process.returncode != 0:
        raise Unreadable(f"its reader ended with {process.returncode}")
    answer = json.loads(said)
    if "unreadable" in answer:
        raise Unreadable(answer["unreadable"])
    return Fault(*answer["fault"]) if answer["fault"] else None
