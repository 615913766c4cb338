"""The CEL rules of the CRDs: the structural checks that hold even when the webhook is down.

The API server evaluates them before it asks any validating webhook, so theirs are the messages that most people see.
They leave alone what an object already had: Kubernetes (1.30 and later) does not check an unchanged value again.
"""

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One `x-kubernetes-validations` entry. `said`, if given, is a CEL expression that makes the message."""

    rule: str
    message: str
    said: str = ""
    with_old: bool = False  # `oldSelf` is an optional value, so the rule can leave objects alone that were there before


# One DNS label, then more after dots. Matches in linear time.
SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_DURATION = r"^(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$"
# With a sign, or without a unit if it is 0: what Go takes, sensible or not.
_INTERVAL = r"^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$"

# An operator, then what is no operator: Keptn takes all that Go reads as a number, which is more than digits.
_TARGET = r"^\s*([<>]=?|==)\s*[^<>=\s]"

_NAME_ADVICE = "use lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"
SOURCES: Final = ("inline", "httpRef", "functionRef", "configMapRef")


def _text(content: str) -> str:
    """A CEL string literal."""
    escaped = content.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _quoted(field: str, rest: str) -> str:
    """A CEL expression: the field's value in quotes, then `rest`."""
    return f"'\"' + {field} + {_text(chr(34) + rest)}"


def _counted(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"has(self.{name})" for name in names) + "].filter(given, given).size()"


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def one_runner(*names: str) -> tuple[Rule, ...]:
    """A spec has exactly one of these runners."""
    if len(names) == 1:
        return (Rule(f"has(self.{names[0]})", f"the definition runs nothing: add {names[0]}"),)
    known = "function" in names
    old = "; function is the old name of deno" if known else ""
    new = "" if known else "; what older versions call function is deno here"
    return (
        Rule(f"{_counted(names)} > 0", f"the definition runs nothing: add one of {_listed(names)}{new}"),
        Rule(
            f"{_counted(names)} < 2",
            f"a definition has one runner: keep one of {_listed(names)} and move the others to definitions of their own"
            + old,
        ),
    )


# A source without anything in it (`httpRef: {}`) is what Go clients write for one that is not given.
_GIVEN = (
    "[has(self.inline) && has(self.inline.code), has(self.httpRef) && has(self.httpRef.url),"
    " has(self.functionRef) && has(self.functionRef.name), has(self.configMapRef) && has(self.configMapRef.name)]"
    ".filter(given, given).size()"
)
ONE_SOURCE: Final = (
    Rule(f"{_GIVEN} > 0", f"there is no code to run: add one of {_listed(SOURCES)}"),
    Rule(f"{_GIVEN} < 2", f"the code comes from one place: keep one of {_listed(SOURCES)}"),
)

CODE: Final = (Rule("!has(self.code) || self.code != ''", "code is empty: write the script under inline.code"),)

URL: Final = (
    Rule(
        "!has(self.url) || isURL(self.url) && url(self.url).getScheme() in ['http', 'https']"
        " && url(self.url).getHostname() != ''",
        "url must be a whole address, such as https://example.com/check.ts",
        _quoted("self.url", " is not an address to fetch a script from: write http:// or https://, a host and a path"),
    ),
)


def named(field: str, *, empty: bool = False) -> tuple[Rule, ...]:
    """`field`, if it is there, names an object of Kubernetes, or is `empty` where that means none."""
    unless = f"!has(self.{field}) || self.{field} == '' || " if empty else f"!has(self.{field}) || "
    return (
        Rule(
            f"{unless}self.{field}.matches({_text('^' + SUBDOMAIN + '$')})",
            f"{field} must be the name of an object: {_NAME_ADVICE}",
            _quoted(f"self.{field}", f" is not a name that Kubernetes takes: {_NAME_ADVICE}"),
        ),
    )


DURATION: Final = (
    Rule(
        f"self.matches({_text(_DURATION)})",
        "write a number with a unit, such as 30s, 5m or 1h30m",
        _quoted("self", " is not a duration: write a number with a unit, such as 30s, 5m or 1h30m"),
    ),
    Rule(
        f"!self.matches({_text(_DURATION)}) || duration(self) > duration('0s')",
        "a timeout of 0 leaves no time to run: write for example 30s or 5m",
    ),
)

INTERVAL: Final = (
    Rule(
        f"self.matches({_text(_INTERVAL)})",
        "write a number with a unit, such as 30s, 5m or 1h30m",
        _quoted("self", " is not a duration: write a number with a unit, such as 30s, 5m or 1h30m"),
    ),
)

# What Go cannot read as an unsigned number kept Keptn's operator from reading any object of the kind.
UNSIGNED: Final = (Rule("self >= 0", "cannot be negative: write 0 or more"),)

# Anything else can never be met, neither here nor with Keptn.
TARGET: Final = (
    Rule(
        f"self.matches({_text(_TARGET)})",
        "write an operator and a number, such as <0.05 or >=10",
        _quoted("self", " is no target: write an operator (>, >=, <, <= or ==) and a number, such as <0.05 or >=10"),
    ),
)

QUERIES_ASK_SOMEBODY: Final = (
    Rule(
        "has(self.provider) || !self.objectives.exists(objective, has(objective.query) && objective.query != '')",
        "an objective has a query and nobody to ask: add provider, with a targetServer such as http://prometheus:9090",
    ),
)

PROVIDER_FOUND: Final = (
    Rule(
        "has(self.name) || has(self.targetServer) && self.targetServer != ''",
        "there is nobody to ask: add a targetServer such as http://prometheus:9090, or the name of a"
        " KeptnMetricsProvider",
    ),
)

RETRIES: Final = (Rule("self >= 0", "retries cannot be negative: write 0 for a single attempt"),)
TTL: Final = (Rule("self >= 0", "ttlSecondsAfterFinished cannot be negative: write 0 to delete the Job at once"),)

CONTAINER: Final = (
    Rule("self.name != ''", "name is empty: name the container, for example check"),
    Rule("has(self.image) && self.image != ''", "image is missing: write the image that the container runs"),
    Rule(
        "!has(self.volumeMounts) || self.volumeMounts.all(mount, mount.name == self.volumeMounts[0].name)",
        "a task has one volume, an emptyDir named after the first mount: give all volumeMounts that name",
    ),
)

SPEC_GIVEN: Final = (
    Rule(
        "has(self.spec) || (oldSelf.hasValue() && !has(oldSelf.value().spec))",
        "spec is missing: write what the definition runs",
        with_old=True,
    ),
)
