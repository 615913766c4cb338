from typing import Any

import pytest

from app.api import config as api
from app.lifecycle.config import DEFAULTS, Config, chosen, complaints, effective

HOME = "keptn-system"


def config(
    name: str = "config", namespace: str = HOME, created: str = "2026-01-01T00:00:00Z", **spec: Any
) -> api.Config:
    meta = {"name": name, "namespace": namespace, "creationTimestamp": created}
    return api.Config.model_validate({"metadata": meta, "spec": spec})


def test_without_any_keptns_defaults_count() -> None:
    assert effective([]) == Config(True, 300.0, 30.0, "", "")


def test_one_that_says_nothing_changes_nothing() -> None:
    assert effective([config()]) == DEFAULTS
    assert complaints(config(), [config()], HOME) == ()


def test_all_that_it_says_counts() -> None:
    said = config(
        OTelCollectorUrl="otel-collector:4317",
        keptnAppCreationRequestTimeoutSeconds=5,
        cloudEventsEndpoint=" http://receiver:8080/x ",
        blockDeployment=False,
        observabilityTimeout="1m30s",
    )
    assert effective([said]) == Config(False, 90.0, 5.0, "otel-collector:4317", "http://receiver:8080/x")
    assert complaints(said, [said], HOME) == ()


@pytest.mark.parametrize("text", ["", "5", "five minutes", "0s", "-1m", "9" * 100])
def test_a_duration_that_is_none_keeps_the_default_and_says_so(text: str) -> None:
    wrong = config(observabilityTimeout=text, blockDeployment=False)
    assert effective([wrong]) == Config(blocking=False)
    (complaint,) = complaints(wrong, [wrong], HOME)
    assert "spec.observabilityTimeout" in complaint
    assert "5m0s counts" in complaint


def test_a_discovery_time_below_zero_keeps_the_default_and_says_so() -> None:
    wrong = config(keptnAppCreationRequestTimeoutSeconds=-1)
    assert effective([wrong]) == DEFAULTS
    (complaint,) = complaints(wrong, [wrong], HOME)
    assert "spec.keptnAppCreationRequestTimeoutSeconds" in complaint
    assert effective([config(keptnAppCreationRequestTimeoutSeconds=0)]).discovery_seconds == 0


@pytest.mark.parametrize(
    "url",
    ["receiver:8080", "ftp://x", "http:///x", "http://h:99999", "http://h:0", "http://[::1", "http://a b", "http://ä"],
)
def test_an_endpoint_that_is_no_url_gets_nothing_and_is_not_repeated_to_anybody(url: str) -> None:
    wrong = config(cloudEventsEndpoint=url)
    assert effective([wrong]) == DEFAULTS
    (complaint,) = complaints(wrong, [wrong], HOME)
    assert "spec.cloudEventsEndpoint" in complaint
    assert url not in complaint


@pytest.mark.parametrize("url", ["http://h", "https://user:password@h:1/p?q=1", "http://[::1]:8080/"])
def test_an_endpoint_that_is_a_url_counts(url: str) -> None:
    assert effective([config(cloudEventsEndpoint=url)]).cloud_events == url


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("otel-collector.observability:4317", "otel-collector.observability:4317"),
        (" http://10.0.0.1:4317/ ", "10.0.0.1:4317"),
        ("[fd00::1]:4317", "[fd00::1]:4317"),
        ("", ""),
    ],
)
def test_a_collector_is_a_host_and_a_port(text: str, address: str) -> None:
    said = config(OTelCollectorUrl=text)
    assert effective([said]).otel_collector == address
    assert complaints(said, [said], HOME) == ()


@pytest.mark.parametrize(
    "text", ["https://c:4317", "c", "c:0", "c:99999", "http://c:4317/v1/traces", "u:p@c:4317", ":1"]
)
def test_a_collector_that_is_none_gets_no_traces_and_is_not_repeated_to_anybody(text: str) -> None:
    wrong = config(OTelCollectorUrl=text)
    assert effective([wrong]) == DEFAULTS
    (complaint,) = complaints(wrong, [wrong], HOME)
    assert "spec.OTelCollectorUrl" in complaint
    assert f"{text} " not in complaint


def test_the_oldest_of_several_counts_and_the_others_are_told() -> None:
    old = config("z", created="2026-01-01T00:00:00Z", observabilityTimeout="1s")
    young = config("a", created="2026-01-02T00:00:00Z", observabilityTimeout="2s")
    for both in ([old, young], [young, old]):
        assert chosen(both) == old
        assert effective(both).observability_seconds == 1
        assert complaints(old, both, HOME) == ()
        (complaint,) = complaints(young, both, HOME)
        assert "KeptnConfig a is not read" in complaint
        assert "z is older" in complaint


def test_of_two_that_are_as_old_the_first_by_name_counts() -> None:
    a, b = config("a"), config("b")
    assert chosen([b, a]) == a
    assert chosen([]) is None


def test_one_in_another_namespace_is_told_that_nobody_reads_it() -> None:
    elsewhere = config(namespace="shop", observabilityTimeout="nonsense")
    (complaint,) = complaints(elsewhere, [], HOME)
    assert "not read" in complaint
    assert f"namespace {HOME}" in complaint
