"""Whether a name is one that Kubernetes takes for an object."""

import re

from app.api.rules import SUBDOMAIN

LONGEST = 253
_SUBDOMAIN = re.compile(SUBDOMAIN)
_ADVICE = "use lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"


def problem(name: str) -> str:
    """What is wrong with `name` as a DNS subdomain (RFC 1123), and what to write; "" if nothing is."""
    if not name:
        return "is empty; write the name of an object"
    if len(name) > LONGEST:
        return f"has {len(name)} characters; use at most {LONGEST}"
    if name.startswith("<") and name.endswith(">"):
        return f"{name!r} is a placeholder; put the real name in its place"
    if _SUBDOMAIN.fullmatch(name) is None:
        return f"{name!r} is not a name that Kubernetes takes; {_ADVICE}{_suggestion(name)}"
    return ""


def _suggestion(name: str) -> str:
    candidate = re.sub(r"[^a-z0-9.]+", "-", name.lower())
    candidate = ".".join(part.strip("-") for part in candidate.split(".")).strip("-.")
    return f", for example {candidate!r}" if _SUBDOMAIN.fullmatch(candidate) else ""
