from bench import prometheus

PAGE = """# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{flow_schema="bench-writes",priority_level="workload-low"} 12
requests_total{flow_schema="bench-events",priority_level="workload-low"} 3
requests_total_more{flow_schema="bench-writes"} 99
latency_sum{name="mpod.keptn.sh",operation="CREATE",rejected="false"} 1.5e-02
latency_sum{name="mpod.keptn.sh",operation="CREATE",rejected="true"} 0.005
odd{text="a \\"quoted\\", word}"} 7
bare 4
"""


def test_samples_are_summed_over_the_labels_that_are_not_asked_for() -> None:
    assert prometheus.total(PAGE, "latency_sum", name="mpod.keptn.sh", operation="CREATE") == 0.02
    assert prometheus.total(PAGE, "requests_total", flow_schema="bench-writes") == 12
    assert prometheus.total(PAGE, "requests_total") == 15


def test_a_longer_name_is_another_metric() -> None:
    assert prometheus.total(PAGE, "requests_total", flow_schema="bench-writes") != 111


def test_what_is_not_there_counts_nothing() -> None:
    assert prometheus.total(PAGE, "requests_total", flow_schema="bench-leases") == 0
    assert prometheus.total(PAGE, "absent") == 0


def test_labels_may_have_quotes_commas_and_braces_in_them_or_be_none_at_all() -> None:
    assert list(prometheus.samples(PAGE, "odd")) == [({"text": 'a \\"quoted\\", word}'}, 7.0)]
    assert list(prometheus.samples(PAGE, "bare")) == [({}, 4.0)]
