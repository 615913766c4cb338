import json
import subprocess
import sys
from typing import Any

import pytest

_PROGRAM = "from app.admission.python_child import main; main()"


def read(script: bytes) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], input=script, capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_what_is_found_goes_to_standard_output() -> None:
    assert read("print('é')".encode()) == {"fault": None}
    line, column, message = read(b"x = (")["fault"]
    assert (line, column) == (1, 5)
    assert "never closed" in message


@pytest.mark.parametrize("script", [b"1+" * 200_000 + b"1", b"a = [1, 2, 'x']\n" * 62_000])
def test_what_cannot_be_read_within_the_limits_is_said_to_be_so(script: bytes) -> None:
    assert "it is" in read(script)["unreadable"]


def test_the_child_imports_nothing_large() -> None:
    program = "import sys; import app.admission.python_child; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert not {"asyncio", "pydantic", "fastapi", "app.cluster"} & set(done.stdout.split())
