"""What a person's own kubectl says of the rollout that failed."""

import asyncio
import shutil
from dataclasses import dataclass

from examples.demo.shop import FAILING, NAMESPACE

_SECONDS = 5


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """`kubectl rollout status`, what it printed and how it ended."""

    command: str
    output: str
    exit_status: int


async def rollout_status() -> RolloutStatus | None:
    """Asks kubectl about the failing Deployment, None if there is no kubectl here."""
    program = shutil.which("kubectl")
    if program is None:
        return None
    words = ("-n", NAMESPACE, "rollout", "status", "deployment", FAILING)
    process = await asyncio.create_subprocess_exec(
        program, *words, f"--timeout={_SECONDS}s", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return RolloutStatus(" ".join(("kubectl", *words)), output.decode().strip(), process.returncode or 0)
