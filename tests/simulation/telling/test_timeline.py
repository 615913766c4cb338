"""How a log is laid out for a person."""

import io

from rich.console import Console, RenderableType

from tests.simulation.telling import timeline
from tests.simulation.telling.result import Entry


def _shown(what: RenderableType) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(what, soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_who_and_what_stand_in_columns_and_trouble_is_marked() -> None:
    log = [
        Entry(0.25, "user", "applies Deployment web", "user"),
        Entry(12.5, "fault", "worker-1 is killed", "fault"),
        Entry(12.5, "finding", "I2: a gate opened", "finding"),
    ]
    assert _shown(timeline.lines(log)) == [
        "   0.250 s  user     applies Deployment web",
        "  12.500 s  fault    !! worker-1 is killed",
        "  12.500 s  finding  >> I2: a gate opened",
    ]


def test_a_kind_is_explained_once_where_it_is_first_met() -> None:
    log = [
        Entry(0.0, "worker-1", "makes KeptnTask pre-check", "write"),
        Entry(0.1, "worker-1", "makes Job pre-check-1 for KeptnTask pre-check", "write"),
    ]
    shown = _shown(timeline.lines(log, width=90, explain=True))
    told = [line.strip().partition(":")[0] for line in shown if line.strip().startswith("(")]
    assert told == ["(worker", "(KeptnTask", "(Job"]
    assert max(map(len, shown)) <= 90
    indent = shown[0].index("makes")
    assert all(line[:indent].isspace() for line in shown if "s  worker-1" not in line)


def test_long_texts_are_cut_if_asked_for() -> None:
    (line,) = _shown(timeline.lines([Entry(0.0, "user", "0123456789", "user")], longest=4))
    assert line == "   0.000 s  user  0123…"


def test_the_summary_says_how_long_pods_were_held_and_what_of_that_was_holdfasts() -> None:
    log = [
        Entry(1.0, "webhook", "holds pod web-1", "gate"),
        Entry(1.5, "webhook", "holds pod web-2", "gate"),
        Entry(1.75, "worker-1", "makes Job check", "write"),
        Entry(3.0, "kubelet", "pod check-x has succeeded: exit code 0", "check"),
        Entry(3.25, "worker-1", "opens the gate of pod web-1", "gate"),
        Entry(3.5, "worker-1", "opens the gate of pod web-2", "gate"),
    ]
    assert timeline.summary(log) == (
        "2 pods were held for up to 2.50 s. Their gates were open 0.50 s after the pod of the check had succeeded. "
        "The worker wrote 3 times."
    )
    assert timeline.summary(log[:3]) == "No pod was held, or no gate was opened."


def test_of_a_failing_seed_only_what_led_to_its_first_finding_is_told() -> None:
    log = [Entry(float(at), "user", str(at), "user") for at in range(100)]
    log[70] = Entry(70.0, "finding", "I1: twice", "finding")
    log[90] = Entry(90.0, "finding", "I2: open", "finding")
    part = timeline.last_part(log, 60)
    assert (part[0].text, part[-1].text, len(part)) == ("10", "I1: twice", 61)
    assert timeline.last_part(log[:50], 20)[0].text == "29"
    assert timeline.last_part([], 20) == ()
