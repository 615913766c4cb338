"""What kubectl shows of a rollout, to Keptn's letter.

By the sections of keptn-behaviour:
- 1.1: short names and plurals, all served versions -> test_kinds_by_their_short_names, test_every_version_is_served
- 1.3: columns -> test_columns
- 3.4, 6.3: the order of phases, and the events' reasons, texts and sources -> test_events
- 1.2: fields by jsonpath -> test_jsonpath
- 10: kubectl wait on Keptn's own fields -> test_kubectl_wait

Different on purpose: the first four columns of KeptnTasks, which Keptn leaves blank, have what they are called after.
"""

import pytest

from tests.e2e.letters import Letter, Letters

VERSION = "waiter-waiter-0.4"
APP_VERSION = "waiter-0.4-6b86b273"
COLUMNS = {
    "kav": (
        "NAME APPNAME VERSION PHASE PREDEPLOYMENTSTATUS PREDEPLOYMENTEVALUATIONSTATUS WORKLOADOVERALLSTATUS "
        "POSTDEPLOYMENTSTATUS POSTDEPLOYMENTEVALUATIONSTATUS PROMOTIONSTATUS",
        f"{APP_VERSION} waiter 0.4 Completed Succeeded Succeeded Succeeded Succeeded Succeeded Pending",
    ),
    "kwv": (
        "NAME APPNAME WORKLOADNAME WORKLOADVERSION PHASE PREDEPLOYMENTSTATUS PREDEPLOYMENTEVALUATIONSTATUS "
        "DEPLOYMENTSTATUS POSTDEPLOYMENTSTATUS POSTDEPLOYMENTEVALUATIONSTATUS",
        f"{VERSION} waiter waiter-waiter 0.4 Completed Succeeded Succeeded Succeeded Succeeded Succeeded",
    ),
    "keptnworkloads": ("NAME APPNAME VERSION", "waiter-waiter waiter 0.4"),
}
STEPS = ("PreDeployTasks", "PreDeployEvaluations", "Deploy", "PostDeployTasks", "PostDeployEvaluations")
TITLES = (
    "Pre-Deployment Tasks",
    "Pre-Deployment Evaluations",
    "Deployment",
    "Post-Deployment Tasks",
    "Post-Deployment Evaluations",
)
SERVED = {
    "keptnapps": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
    "keptnappversions": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
    "keptnappcontexts": ("v1", "v1beta1"),
    "keptnappcreationrequests": ("v1", "v1beta1", "v1alpha3"),
    "keptnworkloads": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
    "keptnworkloadversions": ("v1", "v1beta1", "v1alpha4"),
    "keptntasks": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
    "keptntaskdefinitions": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
    "keptnevaluations": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
    "keptnevaluationdefinitions": ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"),
}


@pytest.fixture(scope="module")
def letter(letters: Letters) -> Letter:
    made = letters.new("kubectl", "simple", "checks")
    made.has("KeptnAppVersion", APP_VERSION, "status: {currentPhase: Completed}")
    return made


def jsonpath(letter: Letter, kind: str, name: str, path: str) -> str:
    return letter.kubectl("get", kind, name, "-o", f"jsonpath={{{path}}}")


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns(kind: str, letter: Letter) -> None:
    heads, row = letter.kubectl("get", kind, "-o", "wide").splitlines()
    assert (heads.split(), row.split()) == (COLUMNS[kind][0].split(), COLUMNS[kind][1].split())


def test_the_columns_of_tasks(letter: Letter) -> None:
    heads, *rows = letter.kubectl("get", "keptntasks").splitlines()
    assert [head.strip() for head in heads.split("  ") if head] == [
        "NAME",
        "APPNAME",
        "APPVERSION",
        "WORKLOADNAME",
        "WORKLOADVERSION",
        "JOB NAME",
        "STATUS",
    ]
    assert [row.split()[-1] for row in rows] == ["Succeeded", "Succeeded"]


def test_kinds_by_their_short_names(letter: Letter) -> None:
    assert letter.kubectl("get", "ked", "-o", "name") == (
        "keptnevaluationdefinition.lifecycle.keptn.sh/available-cpus\n"
    )
    assert letter.kubectl("get", "ke", "-o", "name") == ""
    assert letter.kubectl("get", "kwv", "-o", "name") == f"keptnworkloadversion.lifecycle.keptn.sh/{VERSION}\n"
    assert letter.kubectl("get", "kav", "-o", "name") == f"keptnappversion.lifecycle.keptn.sh/{APP_VERSION}\n"


@pytest.mark.parametrize("plural", SERVED)
def test_every_version_is_served(plural: str, letter: Letter) -> None:
    for version in SERVED[plural]:
        letter.kubectl("get", f"{plural}.{version}.lifecycle.keptn.sh", "-o", "yaml")


def test_jsonpath(letter: Letter) -> None:
    assert jsonpath(letter, "keptnapp", "waiter", ".status.currentVersion") == "0.4"
    assert jsonpath(letter, "kav", APP_VERSION, ".status.status") == "Succeeded"
    assert jsonpath(letter, "kav", APP_VERSION, ".status.workloadStatus[*].workload.name") == "waiter"
    assert jsonpath(letter, "kwv", VERSION, ".status.currentPhase") == "Completed"
    names = jsonpath(letter, "kwv", VERSION, ".status.preDeploymentTaskStatus[*].name")
    assert jsonpath(letter, "keptntask", names, ".status.status") == "Succeeded"
    job = jsonpath(letter, "keptntask", names, ".status.jobName")
    assert jsonpath(letter, "job", job, ".status.succeeded") == "1"
    where = '.metadata.annotations["keptn\\.sh/scheduling-gate-removed"]'.replace('["', ".").replace('"]', "")
    pod = letter.pods("test")[0]["metadata"]["name"]
    assert jsonpath(letter, "pod", pod, where) == "true"


@pytest.mark.parametrize(
    ("kind", "name"), [("kwv", VERSION), ("kav", APP_VERSION)], ids=["of the workload", "of the app"]
)
def test_kubectl_wait(kind: str, name: str, letter: Letter) -> None:
    for condition in ("jsonpath={.status.currentPhase}=Completed", "jsonpath={.status.status}=Succeeded"):
        letter.kubectl("wait", f"{kind}/{name}", f"--for={condition}", "--timeout=10s")
    letter.kubectl("wait", f"{kind}/{name}", "--for=condition=Ready", "--timeout=10s")


@pytest.mark.parametrize(
    ("kind", "name", "level"), [("KeptnWorkloadVersion", VERSION, "Workload"), ("KeptnAppVersion", APP_VERSION, "App")]
)
def test_events(kind: str, name: str, level: str, letter: Letter) -> None:
    end = letter.event(kind, name, lambda each: each["reason"] == f"{level}CompletedFinished", "its last event")
    texts = {f"{level}CompletedFinished": f"{level} Completed: has finished"}
    for step, title in zip(STEPS, TITLES, strict=True):
        for suffix, words in (("Started", "has started"), ("Finished", "has finished")):
            texts[f"{level}{step}{suffix}"] = f"{level} {title}: {words}"
    found = {each["reason"]: each for each in letter.events(kind, name)}
    assert texts.keys() <= found.keys()
    for reason, words in texts.items():
        where = f"Namespace: {letter.namespace}, Name: {name}, Version: 0.4"
        assert found[reason]["message"] == f"{words} / {where}"
        assert found[reason]["type"] == "Normal"
    assert end["source"]["component"] == f"{kind.lower()}-controller"
    marks = end["metadata"]["annotations"]
    assert marks.items() >= {"namespace": letter.namespace, "name": name, "appName": "waiter"}.items()
