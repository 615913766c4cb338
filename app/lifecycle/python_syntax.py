"""Whether Python would take a script, and if not, where it stops reading."""

import sys
import warnings
from typing import NamedTuple


class Fault(NamedTuple):
    """Where a script is broken; `line` and `column` count from 1, 0 when Python does not say."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"Python {sys.version_info.major}.{sys.version_info.minor} cannot read this: {place}{self.message}"


class Unreadable(Exception):
    """Compiling took more memory or nesting than there is, so nothing is known; the message says which."""


def check(code: str) -> Fault | None:
    """The first fault of a script, None for one that compiles. Nothing of it is run.

    Compiling is not bounded: in 3.11, 18 nested try-finally take 1.6 s and 760 MB, and 1 MB of f-string takes minutes.
    For text that others wrote, call this in a process that has limits.
    Raises Unreadable when the compiler itself gives up.
    """
    try:
        # As bytes, which is how the interpreter finds the file: an encoding line counts, too.
        source = code.encode()
    except UnicodeEncodeError as error:
        return Fault(code.count("\n", 0, error.start) + 1, 0, "it has half of a surrogate pair, which no file can hold")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape is worth a warning to Python, and no refusal to us
        try:
            compile(source, "inline.code", "exec", dont_inherit=True)
        except SyntaxError as error:
            return Fault(error.lineno or 0, error.offset or 0, error.msg)
        except ValueError as error:  # 3.11 says this for null bytes
            return Fault(0, 0, str(error))
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None
        except MemoryError:
            raise Unreadable("it is too large or nested too deeply") from None
    return None
