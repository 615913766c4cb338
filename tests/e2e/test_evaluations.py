"""Evaluations on the real cluster, asked of a real Prometheus: before and after, of workloads and of apps."""

import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from app.api.wellknown import API_VERSION
from tests.e2e import dump, keptnmetrics, manifests, worker
from tests.e2e.kube.client import Kube
from tests.e2e.kube.resources import Json
from tests.e2e.looks import Eyes, condition, is_held
from tests.e2e.namespaces import Namespaces
from tests.e2e.prometheus import PASSWORD, USER, Prometheus, app, service

ONE = "vector(1)"


@pytest.fixture(scope="module")
def prometheus(kube: Kube, namespaces: Namespaces) -> Iterator[Prometheus]:
    """One that the worker reaches already, through its Service."""
    server = Prometheus(kube, namespaces.new("prometheus", annotations={}), "prometheus")
    server.start()
    asked = definition("answers", server, objective("one", "==1", ONE))
    kube.create_all(server.namespace, asked, evaluation("answers", retries=60))
    assert state(ended(Eyes(kube, server.namespace), "answers")) == "Succeeded"
    yield server
    namespaces.delete(server.namespace)


def objective(metric: str, target: str, query: str = "", **reference: str) -> Json:
    made: Json = {"keptnMetricRef": {"name": metric, **reference}, "evaluationTarget": target}
    return made | ({"query": query} if query else {})


def definition(name: str, server: Prometheus | None, *objectives: Json, **spec: Any) -> Json:
    provider = {"provider": {"type": "prometheus", "targetServer": server.url}} if server else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "KeptnEvaluationDefinition",
        "metadata": {"name": name},
        "spec": {"objectives": list(objectives), "retries": 1, "retryInterval": "1s"} | provider | spec,
    }


def evaluation(definition: str, name: str = "by-hand", **spec: Any) -> Json:
    """One that a person makes."""
    return {
        "apiVersion": API_VERSION,
        "kind": "KeptnEvaluation",
        "metadata": {"name": name},
        "spec": {"evaluationDefinition": definition, "workloadVersion": "", "retries": 1, "retryInterval": "1s"} | spec,
    }


def state(found: Json) -> str:
    return str((found.get("status") or {}).get("overallStatus", ""))


def ended(eyes: Eyes, definition: str, *, seconds: float = 60) -> Json:
    """The one KeptnEvaluation for a definition, once it has its verdict."""

    def look(found: list[Json]) -> Json | None:
        of = (each for each in found if each["spec"]["evaluationDefinition"] == definition)
        return next((each for each in of if state(each) in ("Succeeded", "Failed")), None)

    return eyes.kube.until("KeptnEvaluation", eyes.namespace, look, f"a verdict on {definition}", seconds=seconds)


def result(found: Json, key: str) -> tuple[str, str, str]:
    each = found["status"]["evaluationStatus"][key]
    return each["value"], each["status"], each.get("message", "")


def version(eyes: Eyes, kind: str, name: str, phase: str, *, seconds: float = 60) -> Json:
    """A version once it has come to its end in that phase."""
    return eyes.kube.until_one(
        kind,
        eyes.namespace,
        name,
        lambda found: (found.get("status") or {}).get("endTime") and found["status"]["currentPhase"] == phase,
        f"its end in {phase}",
        seconds=seconds,
    )


class TestAWorkload:
    def test_is_judged_by_what_prometheus_collects_of_it(self, kube: Kube, eyes: Eyes, namespaces: Namespaces) -> None:
        # In its own namespace, with its own Prometheus, which finds the application as soon as that is up.
        server = Prometheus(kube, eyes.namespace, "prometheus")
        kube.create(service("app", 8080), eyes.namespace)
        kube.create_all(
            eyes.namespace,
            definition("ready", server, objective("server", "==1", ONE), retries=30),
            definition(
                "healthy",
                server,
                objective("errors", ">=0", "app_errors_total"),
                objective("errors", "<5", "app_errors_total"),
                objective("up", "==1", 'up{job="pods"}'),
                retries=30,
            ),
        )
        keys = manifests.keys(
            "app", "", "1.0", pre_deployment_evaluations="ready", post_deployment_evaluations="healthy"
        )
        kube.create(manifests.workload("Deployment", "app", keys, pod=app(errors=2)), eyes.namespace)
        eyes.held("app")
        server.start()
        done = version(eyes, "KeptnWorkloadVersion", "app-app-1.0", "Completed", seconds=90)
        assert done["status"]["status"] == "Succeeded"
        assert done["status"]["preDeploymentEvaluationStatus"] == "Succeeded"
        assert done["status"]["postDeploymentEvaluationStatus"] == "Succeeded"
        (item,) = done["status"]["postDeploymentEvaluationTaskStatus"]
        found = kube.get("KeptnEvaluation", eyes.namespace, item["name"])
        assert set(found["status"]["evaluationStatus"]) == {"errors >=0", "errors <5", "up"}
        assert result(found, "errors <5") == ("2", "Succeeded", "value '2' met objective '<5'")
        assert found["spec"] == {
            "evaluationDefinition": "healthy",
            "checkType": "post-eval",
            "appName": "app",
            "workload": "app-app",
            "workloadVersion": "1.0",
            "retries": 30,
            "retryInterval": "1s",
        }

    def test_whose_evaluation_before_it_fails_stays_held(self, kube: Kube, eyes: Eyes, prometheus: Prometheus) -> None:
        kube.create(definition("slo", prometheus, objective("load", "<1", "vector(7)"), retries=2), eyes.namespace)
        keys = manifests.keys("web", "", "1.0", pre_deployment_evaluations="slo")
        kube.create(manifests.workload("Deployment", "web", keys), eyes.namespace)
        done = version(eyes, "KeptnWorkloadVersion", "web-web-1.0", "WorkloadPreDeployEvaluations")
        assert done["status"]["status"] == "Failed"
        found = ended(eyes, "slo")
        assert (state(found), found["status"]["retryCount"]) == ("Failed", 2)
        assert result(found, "load") == ("7", "Failed", "value '7' did not meet objective '<1'")
        assert condition(found, "Ready")["status"] == "False"
        assert "slo" in eyes.rollout_failed("web")
        (pod,) = eyes.pods("web")
        assert is_held(pod)
        event = eyes.event(
            "KeptnEvaluation",
            found["metadata"]["name"],
            lambda each: each["reason"] == "ReconcileEvaluationFailed",
            "the failed objectives are told",
        )
        assert "load: value '7' did not meet objective '<1'" in event["message"]

    def test_whose_evaluation_after_it_fails_has_failed_and_runs(
        self, kube: Kube, eyes: Eyes, prometheus: Prometheus
    ) -> None:
        kube.create(definition("slo", prometheus, objective("load", "<1", "vector(7)")), eyes.namespace)
        keys = manifests.keys("web", "", "1.0", post_deployment_evaluations="slo")
        kube.create(manifests.workload("Deployment", "web", keys), eyes.namespace)
        done = version(eyes, "KeptnWorkloadVersion", "web-web-1.0", "WorkloadPostDeployEvaluations")
        assert done["status"]["status"] == done["status"]["postDeploymentEvaluationStatus"] == "Failed"
        eyes.running("web")

    def test_that_is_overtaken_has_its_evaluations_ended(self, kube: Kube, eyes: Eyes, prometheus: Prometheus) -> None:
        kube.create_all(
            eyes.namespace,
            definition("old", prometheus, objective("load", "<1", "vector(7)"), retries=1000, retryInterval="20s"),
            definition("new", prometheus, objective("one", "==1", ONE)),
        )
        keys = manifests.keys("web", "", "1.0", post_deployment_evaluations="old")
        kube.create(manifests.workload("Deployment", "web", keys), eyes.namespace)
        kube.until("KeptnEvaluation", eyes.namespace, lambda found: any(map(state, found)), "the first is under way")
        keys = manifests.keys("web", "", "2.0", post_deployment_evaluations="new")
        kube.patch("Deployment", eyes.namespace, "web", {"spec": {"template": manifests.template("web", keys)}})
        found = ended(eyes, "old", seconds=15)
        assert (state(found), condition(found, "Ready")["reason"]) == ("Failed", "Superseded")
        done = version(eyes, "KeptnWorkloadVersion", "web-web-2.0", "Completed")
        assert done["status"]["status"] == "Succeeded"


class TestAnApp:
    def test_is_evaluated_before_and_after_its_workloads(self, kube: Kube, eyes: Eyes, prometheus: Prometheus) -> None:
        context = {
            "apiVersion": API_VERSION,
            "kind": "KeptnAppContext",
            "metadata": {"name": "shop"},
            "spec": {"preDeploymentEvaluations": ["before"], "postDeploymentEvaluations": ["after"]},
        }
        kube.create_all(
            eyes.namespace,
            definition("before", prometheus, objective("one", "==1", ONE)),
            definition("after", prometheus, objective("one", "==2", ONE)),
            context,
        )
        for name in ("web", "db"):
            keys = manifests.keys(name, "", "1.0", app="shop")
            kube.create(manifests.workload("Deployment", name, keys), eyes.namespace)
        eyes.running("web")
        eyes.running("db")
        assert state(ended(eyes, "before")) == "Succeeded"
        found = ended(eyes, "after")
        assert state(found) == "Failed"
        assert found["spec"]["checkType"] == "post-eval"
        assert (found["spec"]["appName"], found["spec"]["workloadVersion"]) == ("shop", "")
        owner = found["metadata"]["ownerReferences"][0]
        assert owner["kind"] == "KeptnAppVersion"
        done = version(eyes, "KeptnAppVersion", owner["name"], "AppPostDeployEvaluations")
        assert done["status"]["status"] == "Failed"
        assert done["status"]["preDeploymentEvaluationStatus"] == "Succeeded"


class TestAnEvaluationByHand:
    def test_tries_again_until_the_metric_is_right_and_then_never_more(
        self, kube: Kube, eyes: Eyes, prometheus: Prometheus
    ) -> None:
        soon = f"vector(time() - {time.time() + 4:.3f})"
        kube.create(definition("slo", prometheus, objective("later", ">0", soon)), eyes.namespace)
        kube.create(evaluation("slo", retries=20), eyes.namespace)
        found = ended(eyes, "slo")
        assert state(found) == "Succeeded"
        assert 3 <= found["status"]["retryCount"] <= 7
        time.sleep(3)
        assert (
            kube.get("KeptnEvaluation", eyes.namespace, "by-hand")["metadata"]["resourceVersion"]
            == (found["metadata"]["resourceVersion"])
        )

    def test_waits_for_its_definition(self, kube: Kube, eyes: Eyes, prometheus: Prometheus) -> None:
        kube.create(evaluation("slo"), eyes.namespace)
        waiting = kube.until_one(
            "KeptnEvaluation", eyes.namespace, "by-hand", lambda found: condition(found, "Ready"), "it says something"
        )
        assert condition(waiting, "Ready")["reason"] == "EvaluationDefinitionNotFound"
        assert (state(waiting), waiting["status"]["retryCount"]) == ("Pending", 0)
        kube.create(definition("slo", prometheus, objective("one", "==1", ONE)), eyes.namespace)
        assert state(ended(eyes, "slo", seconds=10)) == "Succeeded"

    def test_goes_on_where_it_stopped_when_the_worker_is_killed(
        self, kube: Kube, eyes: Eyes, prometheus: Prometheus
    ) -> None:
        soon = f"vector(time() - {time.time() + 25:.3f})"
        kube.create_all(
            eyes.namespace,
            definition("good", prometheus, objective("one", "==1", ONE)),
            definition("bad", prometheus, objective("one", "==2", ONE)),
            definition("slo", prometheus, objective("later", ">0", soon), objective("one", "==1", ONE)),
            evaluation("good", "good"),
            evaluation("bad", "bad"),
            evaluation("slo", retries=60, retryInterval="2s"),
        )
        finished = [ended(eyes, name) for name in ("good", "bad")]
        before = kube.until_one(
            "KeptnEvaluation",
            eyes.namespace,
            "by-hand",
            lambda found: (found.get("status") or {}).get("retryCount", 0) >= 2,
            "two attempts",
        )
        gone = worker.kill_leader(kube)
        worker.all_ready(kube, without={gone})
        after = ended(eyes, "slo")
        assert state(after) == "Succeeded"
        # None twice, and none left out but those for which nobody led.
        assert before["status"]["retryCount"] < after["status"]["retryCount"] <= 25 / 2 + 2
        assert after["status"]["startTime"] == before["status"]["startTime"]
        for each in finished:
            assert kube.get("KeptnEvaluation", eyes.namespace, each["metadata"]["name"]) == each

    @pytest.mark.parametrize(
        ("query", "target", "said"),
        [
            ("no_such_metric", ">0", "has no data for the query"),
            ("prometheus_build_info or vector(1) or vector(2)", ">0", ""),
            ("label_replace(vector(1),'a','b','','') or vector(2)", ">0", "has 2 values for the query"),
            ("sum(", ">0", "refuses the query: bad_data: "),
            ("up[5m]", ">0", "answers with a matrix"),
            ("vector(0)/0", ">0", "is not a finite number"),
            ("vector(1)/0", ">0", "is not a finite number"),
            ("1 + 1", ">1", ""),
            ("vector(1)", ">about 1", "write an operator and a number"),
        ],
    )
    def test_says_what_is_wrong_with_query_or_target(
        self, query: str, target: str, said: str, kube: Kube, shared: Eyes, prometheus: Prometheus
    ) -> None:
        name = f"slo-{zlib.crc32(f'{query}{target}'.encode()):x}"
        kube.create(definition(name, prometheus, objective("m", target, query)), shared.namespace)
        kube.create(evaluation(name, name), shared.namespace)
        found = ended(shared, name)
        assert state(found) == ("Failed" if said else "Succeeded")
        assert said in result(found, "m")[2]

    def test_says_when_nobody_is_there(self, kube: Kube, eyes: Eyes) -> None:
        nobody = Prometheus(kube, "nowhere", "nobody")
        kube.create(definition("slo", nobody, objective("m", ">0", ONE)), eyes.namespace)
        kube.create(evaluation("slo"), eyes.namespace)
        assert "http://nobody.nowhere.svc.cluster.local:9090 cannot be asked: " in result(ended(eyes, "slo"), "m")[2]


class TestALockedServer:
    def test_is_opened_by_a_secret_that_the_worker_is_let_read_and_that_shows_nowhere(
        self, kube: Kube, eyes: Eyes
    ) -> None:
        server = Prometheus(kube, eyes.namespace, "locked", locked=True)
        server.start()
        key = {"name": "prometheus", "key": "unused"}
        locked = {"type": "prometheus", "targetServer": server.url}
        kube.create_all(
            eyes.namespace,
            manifests.secret("prometheus", user=USER, password=PASSWORD),
            manifests.secret("wrong", user=USER, password="wrong"),
            definition("without", None, objective("m", "==1", ONE), provider=locked),
            definition("slo", None, objective("m", "==1", ONE), provider=locked | {"secretKeyRef": key}),
            definition(
                "wrong", None, objective("m", "==1", ONE), provider=locked | {"secretKeyRef": key | {"name": "wrong"}}
            ),
        )
        kube.create_all(eyes.namespace, evaluation("without", "without", retries=60), evaluation("slo", retries=60))

        def says(name: str, words: str) -> None:
            kube.until_one(
                "KeptnEvaluation",
                eyes.namespace,
                name,
                lambda found: state(found) and words in result(found, "m")[2],
                words,
            )

        says("without", "refuses us (401)")
        says("by-hand", f"may not read Secret {eyes.namespace}/prometheus")
        kube.create_all(eyes.namespace, *may_read("prometheus", "wrong"))
        assert state(ended(eyes, "slo")) == "Succeeded"
        kube.create(evaluation("wrong", "wrong"), eyes.namespace)
        assert "refuses us (401)" in result(ended(eyes, "wrong"), "m")[2]
        everything = [*kube.all("KeptnEvaluation", eyes.namespace), *kube.all("Event", eyes.namespace)]
        assert PASSWORD not in json.dumps(everything)
        assert not [line for line in dump.logs(kube, "worker", 2000) if PASSWORD in line]


def may_read(*secrets: str) -> tuple[Json, Json]:
    """What the chart makes of `evaluations.secrets`."""
    rules = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": list(secrets), "verbs": ["get"]}]
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "lifecycle-operator", "namespace": dump.INSTALLATION}
    return (
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "holdfast"}, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "holdfast"},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "holdfast"},
            "subjects": [subject],
        },
    )


class TestKeptnMetrics:
    def test_are_read_where_the_cluster_has_them(self, kube: Kube, eyes: Eyes, prometheus: Prometheus) -> None:
        kube.create(definition("slo", None, objective("filled", "==5")), eyes.namespace)
        if kube.find("CustomResourceDefinition", "", "keptnmetrics.metrics.keptn.sh") is None:
            kube.create(evaluation("slo", "early"), eyes.namespace)
            early = kube.until_one(
                "KeptnEvaluation", eyes.namespace, "early", lambda found: state(found) == "Failed", "it fails"
            )
            assert "the cluster has no KeptnMetrics" in result(early, "filled")[2]
        with keptnmetrics.installed(kube):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            filled = {"value": "5", "rawValue": "NQ==", "lastUpdated": now}
            old = filled | {"lastUpdated": "2020-01-01T00:00:00Z"}
            kube.create(keptnmetrics.provider("prom", prometheus.url), eyes.namespace)
            keptnmetrics.metric(kube, eyes.namespace, "filled", status=filled, fetchIntervalSeconds=600)
            keptnmetrics.metric(kube, eyes.namespace, "empty", query="vector(6)")
            keptnmetrics.metric(kube, eyes.namespace, "old", query="vector(7)", status=old)
            keptnmetrics.metric(kube, eyes.namespace, "alone", provider={"name": "none"}, status=old)
            keptnmetrics.metric(kube, dump.INSTALLATION, "shared", status=filled, fetchIntervalSeconds=600)
            try:
                everything = [
                    objective("filled", "==5"),
                    objective("empty", "==6"),
                    objective("old", "==7"),
                    objective("alone", "==5"),
                    objective("shared", "==5"),
                    objective("filled", "==5", namespace=eyes.namespace),
                    objective("missing", ">0"),
                ]
                kube.create(definition("all", None, *everything), eyes.namespace)
                kube.create(evaluation("all"), eyes.namespace)
                found = ended(eyes, "all")
            finally:
                kube.delete("KeptnMetric", dump.INSTALLATION, "shared")
        assert state(found) == "Failed"
        results = found["status"]["evaluationStatus"]
        assert {key: each["value"] for key, each in results.items() if each["status"] == "Succeeded"} == {
            "filled": "5",
            "empty": "6",
            "old": "7",
            "alone": "5",
            "shared": "5",
            f"{eyes.namespace}/filled": "5",
        }
        assert "last updated " in results["alone"]["message"]
        assert "there is no KeptnMetric missing in namespace" in results["missing"]["message"]

    def test_are_not_needed_for_definitions_of_old_that_ask_a_source(
        self, kube: Kube, eyes: Eyes, prometheus: Prometheus
    ) -> None:
        old = {
            "apiVersion": "lifecycle.keptn.sh/v1alpha2",
            "kind": "KeptnEvaluationDefinition",
            "metadata": {"name": "old"},
            "spec": {
                "source": "prometheus",
                "objectives": [
                    {"name": "load", "query": "vector(4)", "evaluationTarget": "<5"},
                    {"name": "load", "query": "vector(4)", "evaluationTarget": ">3"},
                ],
            },
        }
        with keptnmetrics.installed(kube):
            kube.create(keptnmetrics.provider("prometheus", prometheus.url, type=""), eyes.namespace)
            kube.create(old, eyes.namespace)
            kube.create(evaluation("old"), eyes.namespace)
            found = ended(eyes, "old")
        assert state(found) == "Succeeded"
        assert set(found["status"]["evaluationStatus"]) == {"load <5", "load >3"}
