"""What a person sees: the live table, plain lines where there is no terminal, and the account at the end."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from examples.demo.kubectl import RolloutStatus
from examples.demo.story import Line, Story, Workload
from examples.demo.verdict import Finding

_LINES = 8
_COLOURS = {"good": "green", "bad": "red", "plain": "default"}


def live(story: Story, now: float) -> RenderableType:
    """The picture at `now`: one row for each workload, and the last things that happened."""
    table = Table(title=f"The shop after {now:.1f} s", title_justify="left", title_style="bold", expand=False)
    for heading in ("workload", "pods", "its check", "gate"):
        table.add_column(heading, no_wrap=True)
    for workload in story.workloads:
        table.add_row(_name(workload), pods(workload), check(workload, now), gate(workload, now))
    return Group(table, *(line(one) for one in story.lines[-_LINES:]))


def line(one: Line) -> Text:
    """One line of the story, with the time in front."""
    return Text(f"{one.at:6.1f} s  {one.text}", style=_COLOURS[one.mood])


def pods(workload: Workload) -> str:
    """How many pods are held, let go or ready."""
    if not workload.pods:
        return "none yet"
    counts = {"held": 0, "starting": 0, "ready": 0}
    for pod in workload.pods.values():
        counts["held" if pod.is_held else "ready" if pod.ready is not None else "starting"] += 1
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def check(workload: Workload, now: float) -> Text:
    """What the check does, and since when or for how long."""
    one = workload.check
    text = Text(f"{workload.expected.definition}\n{workload.expected.runner}")
    if one.started is None:
        return text
    if one.took is None:
        doing = "starting" if one.running is None else "running"
        return text.append(f", {doing} {now - one.started:.1f} s", style="yellow")
    if not one.verdict:
        return text.append(f", ended after {one.took:.1f} s", style="yellow")
    passed = one.verdict == "Succeeded"
    words = f", {'passed' if passed else 'failed'} in {one.took:.1f} s"
    return text.append(words, style="green" if passed else "red")


def gate(workload: Workload, now: float) -> Text:
    """Whether the gate is shut, and for how long it has been."""
    shut = [pod for pod in workload.pods.values() if pod.is_held]
    if shut and workload.check.verdict == "Failed":
        return Text("stays shut", style="red")
    if shut:
        return Text(f"shut for {now - min(pod.seen for pod in shut):.1f} s", style="yellow")
    if workload.held_for is not None:
        return Text(f"opened after {workload.held_for:.1f} s", style="green")
    return Text("")


def account(story: Story, status: RolloutStatus | None) -> RenderableType:
    """What was held how long, what the check itself took, and what is left over as the gate's own."""
    table = Table(title="What was held, and how long", title_justify="left", title_style="bold")
    table.add_column("workload", no_wrap=True)
    for heading in ("held", "its check", "gate added"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("in the end", no_wrap=True)
    for workload in story.workloads:
        held, took = workload.held_for, workload.check.took
        own = _seconds(held - took) if held is not None and took is not None else ""
        table.add_row(
            workload.title,
            "still held" if any(pod.is_held for pod in workload.pods.values()) else _seconds(held),
            _seconds(took),
            own,
            pods(workload) if not workload.fails else Text("rollout failed", style="red"),
        )
    return Group(table, *(_why(workload, status) for workload in story.workloads if workload.fails))


def _why(workload: Workload, status: RolloutStatus | None) -> RenderableType:
    """Why the failing one is held and what its rollout status says."""
    rollout = workload.rollout
    text = Text()
    text.append("Its check printed:\n", style="bold")
    text.append(f"{workload.check.last_lines or '(nothing was kept)'}\n\n")
    text.append("Its condition Progressing says:\n", style="bold")
    text.append(f"{rollout.status} {rollout.reason}\n{rollout.message}" if rollout else "(nothing)")
    if workload.rollout_failed is not None and workload.check.ended is not None:
        later = workload.rollout_failed - workload.check.ended
        text.append(f"\n\nThe rollout failed {later:.2f} s after the check's pod had ended.")
    if status is not None:
        text.append(f"\n\n{status.command} says:\n", style="bold")
        text.append(f"{status.output}\n(exit status {status.exit_status})")
    return Panel(text, title=f"Why {escape(workload.title)} is held", title_align="left", border_style="red")


def claims(found: Sequence[Finding]) -> RenderableType:
    """Each claim with a mark, and what was seen instead where one did not hold."""
    text = Text("Did all of it happen?\n", style="bold")
    about = ""
    for finding in found:
        if finding.about != about:
            about = finding.about
            text.append(f"{about}\n", style="not bold")
        text.append("  yes  " if finding.held else "  NO   ", style="green" if finding.held else "bold red")
        text.append(f"{finding.claim}\n", style="not bold")
        if not finding.held:
            text.append(f"       {finding.seen}\n", style="not bold red")
    return text


def diagnosis(story: Story) -> RenderableType:
    """The cluster's own words, for when something did not happen."""
    text = Text("The last events in namespace shop:\n", style="bold")
    for at, event in story.events[-15:]:
        about = f"{event.involved_object.kind} {event.involved_object.name}"
        text.append(f"{at:6.1f} s  {event.type} {event.reason} {about}: {event.message}\n", style="not bold")
    if not story.events:
        text.append("none\n", style="not bold")
    return text


def where_next(kubeconfig: str) -> RenderableType:
    """How to look around, how to let the held one go, and how to stop."""
    lines = Text("The cluster and the shop stay up. To look around:\n", style="bold")
    for command in (
        f"export KUBECONFIG={kubeconfig}",
        "kubectl -n shop get pods,keptntasks",
        "kubectl -n shop describe deployment checkout",
        "kubectl -n shop rollout status deployment checkout",
    ):
        lines.append(f"  {command}\n", style="not bold cyan")
    lines.append("To mend the check that failed, and watch the gate open:\n")
    for command in (
        "kubectl replace -f examples/mended",
        "kubectl -n shop annotate deployment checkout --overwrite keptn.sh/retry=$(date +%s)",
    ):
        lines.append(f"  {command}\n", style="not bold cyan")
    lines.append("To stop:\n")
    lines.append("  make cluster-down", style="not bold cyan")
    return lines


def _name(workload: Workload) -> Text:
    return Text(f"{workload.expected.name}\n").append(workload.expected.kind, style="dim")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"
