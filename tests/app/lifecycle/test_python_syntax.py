import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle import python_syntax
from app.lifecycle.python_syntax import Fault, Unreadable


@pytest.mark.parametrize("code", ["", "print('hi')\n", "import yaml, requests\n", "# -*- coding: latin-1 -*-\nx = 'é'"])
def test_a_script_that_compiles_has_no_fault(code: str) -> None:
    assert python_syntax.check(code) is None


def test_a_fault_has_its_line_and_column() -> None:
    fault = python_syntax.check("import os\nif os.name = 'nt':\n    pass\n")
    assert fault is not None
    assert (fault.line, fault.column) == (2, 4)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert str(fault).startswith(f"Python {version} cannot read this: line 2, column 4: {fault.message}")


def test_what_only_the_compiler_notices_is_a_fault_too() -> None:
    fault = python_syntax.check("x = 1\nreturn x\n")
    assert fault is not None
    assert fault.line == 2


def test_nothing_is_run() -> None:
    assert python_syntax.check("raise SystemExit(1)\nimport nowhere_to_be_found\n") is None


def test_an_odd_escape_is_no_fault_and_no_warning() -> None:
    assert python_syntax.check("x = '\\d'\nassert (1, 'always true')\n") is None


def test_null_bytes_and_lone_surrogates_are_faults() -> None:
    assert python_syntax.check("x = 1\x00") is not None
    assert python_syntax.check("x = 1\ny = '\ud800'") == Fault(
        2, 0, "it has half of a surrogate pair, which no file can hold"
    )


def test_an_unknown_encoding_is_a_fault() -> None:
    assert python_syntax.check("# coding: klingon\n") is not None


@pytest.mark.parametrize("code", ["(" * 100_000, "x" + "[0]" * 100_000, "-" * 500_000 + "1", "1+" * 200_000 + "1"])
def test_nesting_without_end_is_a_fault_or_unreadable_and_no_crash(code: str) -> None:
    try:
        answer: object = python_syntax.check(code)
    except Unreadable as error:
        answer = error
    assert "nested" in str(answer)


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(code: str) -> None:
    fault = python_syntax.check(code)
    assert fault is None or fault.message
