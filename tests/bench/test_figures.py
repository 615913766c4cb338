from bench import figures
from bench.accounting import Written
from bench.course import STARTING
from bench.figures import Measured
from bench.memory import Resident
from bench.report import Row
from bench.writes import Counted


def _row(measured: Measured, word: str) -> Row:
    (row,) = [row for row in figures.rows(measured) if word in row.what]
    return row


def test_the_figure_is_the_median_beside_the_median_of_its_own_floor() -> None:
    measured = Measured(
        {
            figures.ONE: [0.1, 0.9, 0.12],
            figures.FLOOR_ONE: [0.05],
            figures.MANY: [0.2, 0.3],
            figures.FLOOR_MANY: [0.06],
        }
    )
    one, many = _row(measured, "one rollout at a time"), _row(measured, "at once")
    assert (one.measured, one.floor, one.met) == (0.12, 0.05, True)
    assert (many.measured, many.floor) == (0.25, 0.06)
    assert "0.100 to 0.900" in one.note


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert [row.met for row in figures.rows(Measured({}))] == [None] * 10


def test_admission_is_the_mean_in_milliseconds() -> None:
    row = _row(Measured({}, admissions=40, own_admissions=30, admission_seconds=0.2), "admission")
    assert row.measured == 5.0
    assert row.met
    assert row.note == "mean of 40 pods, 10 of them of other work"


def test_writes_are_counted_to_the_gate_and_to_the_end_and_the_notes_say_of_what() -> None:
    counted = Counted(
        opening=Written(events=20, kinds={"KeptnTask": 80, "Pod": 10}),
        ending=Written(events=10, kinds={"KeptnAppVersion": 20, "Job": 0}),
        removal=Written(kinds={"KeptnApp": 15}),
        rollouts=10,
    )
    measured = Measured({}, counted=counted, floor_writes=2)
    opening, whole = _row(measured, "until its gate"), _row(measured, "until its app version")
    assert (opening.measured, opening.floor, opening.met) == (9.0, 2, True)
    assert opening.note == "mean of 10, each of a new workload; KeptnTask 8, Pod 1"
    assert (whole.measured, whole.floor, whole.met) == (11.0, 2, True)
    assert whole.note == "KeptnAppVersion 2 more; not counted: 3.0 events, and 1.5 when it is removed"


def test_an_apps_figure_stands_beside_the_same_jobs_and_pods_without_holdfast() -> None:
    series = {figures.APPS: [2.5, 1.75, 1.5], f"{figures.APPS}, {STARTING}": [0.9], figures.FLOOR_APPS: [1.1]}
    row = _row(Measured(series), "app of six")
    assert (row.measured, row.floor, row.goal, row.met) == (1.75, 1.1, 2.0, True)
    assert row.note == "median of 3, 1.50 to 2.50 s; 0.90 s of it from the gates to all up"


def test_memory_is_the_largest_replica_before_the_load_and_the_note_has_it_afterwards() -> None:
    idle = [Resident("webhook", 1, 60.0), Resident("webhook", 2, 76.0), Resident("worker", 3, 80.0)]
    later = [Resident("webhook", 1, 90.5)]
    row = _row(Measured({}, idle=idle, afterwards=later), "webhook")
    assert (row.measured, row.met) == (76.0, False)
    assert row.note == "largest of 2; 90.5 MiB after the load"
