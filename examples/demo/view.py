"""What a person sees: the live table, plain lines where there is no terminal, and the account at the end."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from examples.demo.kubectl import Metrics, RolloutStatus
from examples.demo.parts import Application, Check, Workload
from examples.demo.story import Line, Story
from examples.demo.verdict import Finding

_LINES = 6
_COLOURS = {"good": "green", "bad": "red", "plain": "default"}


def live(story: Story, now: float) -> RenderableType:
    """The picture at `now`: the application, one row for each workload, and the last things that happened."""
    table = Table(title=f"The shop after {now:.1f} s", title_justify="left", title_style="bold", expand=False)
    for heading in ("", "pods", "its checks", "gate"):
        table.add_column(heading, no_wrap=True)
    table.add_row(*_application(story, now))
    for workload in story.workloads:
        name = _name(workload.expected.name, workload.expected.kind)
        table.add_row(name, pods(workload).replace(", ", "\n"), checks(workload, now), gate(workload, now))
    lines = [line(one) for one in story.lines[-_LINES:]]
    for each in lines:
        each.no_wrap, each.overflow = True, "ellipsis"
    return Group(table, *lines)


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


def checks(workload: Workload, now: float) -> Text:
    """What its check does, and since when or for how long; later the same of the one after the deployment."""
    if workload.after is not None and workload.after.started is not None:
        return Text(f"then {workload.after.definition}").append(_doing(workload.after, now, "\n"))
    text = Text(f"{workload.expected.definition}\n{workload.expected.runner}")
    return text.append(_doing(workload.check, now, ", "))


def _doing(one: Check, now: float, before: str) -> Text:
    """What the check does or how it ended, with `before` in front; nothing as long as it has not begun."""
    if one.started is None:
        return Text()
    if one.took is None:
        doing = "starting" if one.running is None else "running"
        return Text(f"{before}{doing} {now - one.started:.1f} s", style="yellow")
    if not one.verdict:
        return Text(f"{before}ended after {one.took:.1f} s", style="yellow")
    passed = one.verdict == "Succeeded"
    return Text(f"{before}{'passed' if passed else 'failed'} in {one.took:.1f} s", style="green" if passed else "red")


def _application(story: Story, now: float) -> tuple[Text, Text, Text, Text]:
    """The application's row: how many of its workloads are up, its checks, and its phase."""
    app, members = story.app, story.members
    up = sum(one.up is not None for one in members)
    words = app.phase.replace("Tasks", "\nTasks").replace("Evaluations", "\nEvaluations") or "not begun"
    phase = Text(words, style="green" if app.ended is not None else "yellow")
    name = _name(app.expected.name, "application")
    return name, Text(f"{up} of {len(members)}\nup"), _latest(app, now), phase


def _latest(app: Application, now: float) -> Text:
    """The application's check, or what has followed that."""
    evaluation = app.evaluation
    if evaluation.verdict:
        style = "green" if evaluation.verdict == "Succeeded" else "red"
        return Text(f"then {evaluation.definition}\n").append(", ".join(evaluation.results), style=style)
    if app.after.started is not None:
        return Text(f"then {app.after.definition}").append(_doing(app.after, now, "\n"))
    return Text(app.check.definition).append(_doing(app.check, now, "\n"))


def gate(workload: Workload, now: float) -> Text:
    """Whether the gate is shut, and for how long it has been."""
    shut = [pod for pod in workload.pods.values() if pod.is_held]
    if shut and workload.fails and workload.check.verdict == "Failed":
        return Text("stays shut", style="red")
    if shut:
        return Text(f"shut for\n{now - min(pod.seen for pod in shut):.1f} s", style="yellow")
    if workload.held_for is not None:
        return Text(f"opened after\n{workload.held_for:.1f} s", style="green")
    return Text("")


def account(story: Story, status: RolloutStatus | None, metrics: Metrics | None) -> RenderableType:
    """What was held how long, what the checks themselves took, and what is left over as the gate's own."""
    table = Table(title="What was held, and how long", title_justify="left", title_style="bold")
    table.add_column("workload", no_wrap=True)
    for heading in ("held", "its checks", "gate added"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("in the end", no_wrap=True)
    for workload in story.workloads:
        held, took = workload.held_for, workload.checks_took
        own = _seconds(held - took) if held is not None and took is not None else ""
        table.add_row(
            workload.expected.name,
            "still held" if any(pod.is_held for pod in workload.pods.values()) else _seconds(held),
            _seconds(took),
            own,
            _end(workload),
        )
    parts: list[RenderableType] = [table, _of_application(story.app, metrics)]
    return Group(*parts, *(_why(workload, status) for workload in story.workloads if workload.fails))


def _end(workload: Workload) -> Text:
    if workload.fails:
        return Text("rollout failed", style="red")
    text = Text(pods(workload))
    return text.append(", warned", style="yellow") if workload.let_go_by_policy else text


def _of_application(app: Application, metrics: Metrics | None) -> RenderableType:
    """How the application went, in words."""
    text = Text()
    for when, check in (("before", app.check), ("after", app.after)):
        took = "" if check.took is None else f" in {check.took:.1f} s"
        text.append(f"{when} all workloads: {check.definition} {check.verdict or 'has no verdict'}{took}\n")
        for printed in check.last_lines.splitlines():
            text.append(f"  {printed}\n", style="dim")
    evaluation = app.evaluation
    text.append(f"evaluation: {evaluation.definition} {evaluation.verdict or 'has no verdict'}")
    text.append(f", {', '.join(evaluation.results)}\n" if evaluation.results else "\n")
    ended = "" if app.ended is None else f", {app.ended:.1f} s after the apply"
    text.append(f"{app.version or 'no version'}: {app.phase} {app.status}{ended}", style="bold")
    if metrics is not None and metrics.sample:
        text.append("\n\nThe worker says of it, for Prometheus to read at port 2222:\n").append(
            metrics.sample, style="dim"
        )
    return Panel(text, title=f"How {escape(app.title.lower())} went", title_align="left", border_style="green")


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
        "kubectl -n shop get keptnappversions,keptnworkloadversions,keptnevaluations",
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


def _name(name: str, kind: str) -> Text:
    return Text(f"{name}\n").append(kind, style="dim")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"
