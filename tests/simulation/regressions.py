"""Seeds that once found something, and what: they are run again by every `make test`.

What a seed means changes whenever the plan of a run draws something more or in another order. Then these are seeds like
any others; a fault that must never be forgotten gets a test of its own beside the code that it was in.
"""

REGRESSIONS: tuple[tuple[int, str], ...] = ()
