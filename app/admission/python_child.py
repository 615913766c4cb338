"""What runs in the process that reads a script for `python_check`. It imports little, since it starts each time."""

import json
import resource
import sys

from app.lifecycle import python_syntax
from app.lifecycle.python_syntax import Unreadable

CPU_SECONDS = 2
# The whole address space, which has to fit beside the webhook itself in its container.
_MEMORY_BYTES = 160 * 1024 * 1024


def main() -> None:
    """A script on standard input, what was found on standard output: `fault`, null for none, or `unreadable`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        fault = python_syntax.check(sys.stdin.buffer.read().decode(errors="surrogatepass"))
        answer: dict[str, object] = {"fault": fault}
    except Unreadable as error:
        answer = {"unreadable": str(error)}
    print(json.dumps(answer))
