"""What each example of the documentation takes for granted, and what is filled in where it has a placeholder.

Everything else is applied as it is written. What an example needs but does not show (a parent definition, a Secret) is
made first. Where its script reads parameters that the definition does not give, a KeptnTask gives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import manifests
from tests.e2e.kube.resources import Json

FOLDER = Path(__file__).resolve().parent

# Stands for the URL of the tests' own web server, which takes the place of a public one.
SERVER = "http://server.example/"


@dataclass(frozen=True)
class Case:
    """One example. `parameters` are given by a KeptnTask that runs it; without any, a Deployment uses it."""

    file: str
    definition: str
    prints: str = ""
    filled_in: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[Json, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    @property
    def id(self) -> str:
        return Path(self.file).stem + self.label

    @property
    def text(self) -> str:
        return filled_in(self.file, self.filled_in)


def filled_in(file: str, changes: Mapping[str, str]) -> str:
    """The example with its placeholders replaced; each one must be there."""
    text = (FOLDER / file).read_text()
    for old, new in changes.items():
        assert old in text, f"{file} has no {old!r}"
        text = text.replace(old, new)
    return text


_TOKEN = manifests.secret("slack-token", SECURE_DATA="xoxb-4711-canary")

# What the examples build on: it sends a message with a token. Here it says what it would have sent.
_SLACK = manifests.deno(
    "slack-notification",
    """\
const data = JSON.parse(Deno.env.get("DATA"));
const token = Deno.env.get("SECURE_DATA");
if (!token) { console.error("there is no token"); Deno.exit(1); }
console.log(`would send "${data.textMessage}" with a token of ${token.length} characters`);
""",
)
_SLACK_PRINTS = 'would send "This is my configuration" with a token of 16 characters'

_CODE = "for line in (1, 2):\n    print('from the ConfigMap', line)\n"
_SYNOPSIS = {"v?alpha?": "v1alpha3", "<task-name>": "synopsis"}
_ANY_RUNNER = "  deno | python | container\n  ...\n"
_ANY_RUNNER_SYNOPSIS = {**_SYNOPSIS, "<integer>": "1", "<duration>": "5m"}
_ANY_SOURCE = "inline | httpRef | functionRef | ConfigMapRef"
_CONTAINER = "  container:\n    name: check\n    image: busybox:1.36\n    command: [sh, -c, exit 0]\n"

CASES = (
    Case("1-keptn-task-definition-1.yaml", "deployment-hello", "Deployment Task has been executed"),
    Case(
        "1-keptn-task-definition-2.yaml",
        "hello-keptn-inline",
        "Hello, Holdfast new",
        parameters={"name": "Holdfast"},
    ),
    Case(
        "1-keptn-task-definition-3.yaml",
        "hello-keptn-http",
        "hello from a fetched script",
        filled_in={"<url>": SERVER + "hello.ts"},
    ),
    Case("1-keptn-task-definition-4.yaml", "slack-notification-dev", _SLACK_PRINTS, needs=(_SLACK, _TOKEN)),
    Case("2-parameterized-functions-1.yaml", "slack-notification-dev", _SLACK_PRINTS, needs=(_SLACK, _TOKEN)),
    Case(
        "3-synopsis-for-all-runners-1.yaml",
        "synopsis",
        "one of three",
        filled_in={
            _ANY_RUNNER: "  deno:\n    inline:\n      code: console.log('one of three')\n",
            **_ANY_RUNNER_SYNOPSIS,
        },
        label="-deno",
    ),
    Case(
        "3-synopsis-for-all-runners-1.yaml",
        "synopsis",
        "one of three",
        filled_in={_ANY_RUNNER: "  python:\n    inline:\n      code: print('one of three')\n", **_ANY_RUNNER_SYNOPSIS},
        label="-python",
    ),
    Case(
        "3-synopsis-for-all-runners-1.yaml",
        "synopsis",
        filled_in={_ANY_RUNNER: _CONTAINER, **_ANY_RUNNER_SYNOPSIS},
        label="-container",
    ),
    Case(
        "3-synopsis-for-container-runtime-1.yaml",
        "synopsis",
        filled_in={
            **_SYNOPSIS,
            "<container-name>": "check",
            "<image-name>": "busybox:1.36",
            "<other fields>": "command: [sh, -c, exit 0]",
        },
    ),
    Case(
        "3-deno-runtime-1.yaml",
        "synopsis",
        _SLACK_PRINTS,
        filled_in={
            **_SYNOPSIS,
            _ANY_SOURCE: "functionRef:\n      name: slack-notification",
            "<secret-name>": "slack-token",
        },
        needs=(_SLACK, _TOKEN),
    ),
    Case(
        "3-python-runtime-1.yaml",
        "synopsis",
        "from the ConfigMap 2",
        filled_in={**_SYNOPSIS, _ANY_SOURCE: "configMapRef:\n        name: script", "<secret-name>": "slack-token"},
        needs=(manifests.config_map("script", {"code": _CODE}), _TOKEN),
    ),
    Case(
        "3-example-1-inline-script-for-a-deno-script-1.yaml",
        "hello-keptn-inline",
        "Hello, Holdfast new",
        parameters={"name": "Holdfast"},
    ),
    Case(
        "3-example-2-httpref-script-for-a-deno-script-1.yaml",
        "hello-keptn-http",
        "your script has run",
        filled_in={"https://www.example.com/": SERVER},
    ),
    Case(
        "3-example-3-functionref-for-a-deno-script-1.yaml",
        "slack-notification-dev",
        _SLACK_PRINTS,
        needs=(_SLACK, _TOKEN),
    ),
    Case(
        "3-example-4-configmapref-for-a-deno-script-1.yaml",
        "keptntaskdefinition-sample",
        "a script of dev-configmap",
        needs=(manifests.config_map("dev-configmap", {"code": "console.log('a script of dev-configmap')"}),),
    ),
)

# These have tests of their own: they live in the namespace `default`, or their story is longer.
OTHERS = (
    "2-create-secret-text-1.yaml",
    "2-create-secret-text-2.yaml",
    "2-pass-secrets-to-a-function-1.yaml",
    "2-pass-secrets-to-a-function-2.yaml",
    "3-example-5-configmap-for-a-deno-script-1.yaml",
    "4-synopsis-1.yaml",
)
