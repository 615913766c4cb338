"""What Linux says of this process, beside what prometheus-client reads there."""

from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from app.telemetry import process
from tests.app.telemetry.reading import read


def test_the_same_as_prometheus_client() -> None:
    registry = CollectorRegistry()
    theirs = {family.name: family.samples[0].value for family in ProcessCollector(registry=registry).collect()}
    text = "".join(each.head + "".join(f"{line}\n" for line in each.lines) for each in process.families())
    ours = {name: samples[0].value for name, samples in read(text.encode()).items()}
    assert ours.keys() == {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_start_time_seconds",
        "process_open_fds",
    }
    assert abs(ours["process_start_time_seconds"] - theirs["process_start_time_seconds"]) < 0.1
    assert abs(ours["process_cpu_seconds_total"] - theirs["process_cpu_seconds"]) < 1.0
    assert 0.5 < ours["process_resident_memory_bytes"] / theirs["process_resident_memory_bytes"] < 2
    assert 0.5 < ours["process_virtual_memory_bytes"] / theirs["process_virtual_memory_bytes"] < 2
    assert ours["process_open_fds"] > 2


def test_nothing_where_there_is_no_proc(tmp_path: Path) -> None:
    assert process.families(tmp_path) == []
