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
    old = "; function is the old name of deno" if "function" in names else ""
    return (
        Rule(f"{_counted(names)} > 0", f"the definition runs nothing: add one of {_listed(names)}"),
        Rule(
            f"{_counted(names)} < 2",
            f"a definition has one runner: keep one of {_listed(names)} and move the others to definitions of their own"
            + old,
        ),
    )


ONE_SOURCE: Final = (
    Rule(f"{_counted(SOURCES)} > 0", f"there is no code to run: add one of {_listed(SOURCES)}"),
    Rule(f"{_counted(SOURCES)} < 2", f"the code comes from one place: keep one of {_listed(SOURCES)}"),
)

CODE: Final = (Rule("has(self.code) && self.code != ''", "code is empty: write the script under inline.code"),)

URL: Final = (
    Rule(
        "has(self.url) && isURL(self.url) && url(self.url).getScheme() in ['http', 'https']"
        " && url(self.url).getHostname() != ''",
        "url must be a whole address, such as https://example.com/check.ts",
        "has(self.url) ? "
        + _quoted("self.url", " is not an address to fetch a script from: write http:// or https://, a host and a path")
        + " : "
        + _text("url is missing: write the address of the script, such as https://example.com/check.ts"),
    ),
)


def named(field: str) -> tuple[Rule, ...]:
    """`field` is there and names an object of Kubernetes."""
    return (
        Rule(
            f"has(self.{field}) && self.{field}.matches({_text('^' + SUBDOMAIN + '$')})",
            f"{field} must be the name of an object: {_NAME_ADVICE}",
            f"has(self.{field}) ? "
            + _quoted(f"self.{field}", f" is not a name that Kubernetes takes: {_NAME_ADVICE}")
            + f" : '{field} is missing'",
        ),
    )


def named_if_given(field: str) -> tuple[Rule, ...]:
    """`field` names an object of Kubernetes, or is absent or empty."""
    rule = named(field)[0]
    return (rule._replace(rule=f"!has(self.{field}) || self.{field} == '' || {rule.rule}"),)


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
