"""The findings for people, and for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from app.migrate import operators, running, written
from app.migrate.cluster import Cluster
from app.migrate.finding import Finding, Level

_TITLES = {Level.ACTION: ("To do", "bold red"), Level.NOTE: ("Will differ, or stays; nothing to do", "bold")}


def findings(cluster: Cluster) -> list[Finding]:
    """Everything that there is to say, what needs somebody first. No finding comes twice."""
    found: Iterable[Finding] = (
        *operators.findings(cluster),
        *written.findings(cluster),
        *running.findings(cluster),
    )
    return sorted(dict.fromkeys(found), key=lambda each: each.level)


def needs_action(found: Sequence[Finding]) -> bool:
    return any(each.level is Level.ACTION for each in found)


def as_json(cluster: Cluster, found: Sequence[Finding]) -> str:
    """One object: whether there is anything to do, the findings, and what could not be read."""
    return json.dumps(
        {
            "installation": cluster.installation,
            "action": needs_action(found),
            "findings": [asdict(each) for each in found],
            "unread": [asdict(each) for each in cluster.unread],
        },
        indent=2,
        ensure_ascii=False,
    )


def show(console: Console, cluster: Cluster, found: Sequence[Finding]) -> None:
    """For reading, with the names whole: lines are wrapped, not cut."""
    for level, (title, style) in _TITLES.items():
        of_level = [each for each in found if each.level is level]
        if not of_level:
            continue
        console.print(f"{title} ({len(of_level)})", style=style)
        for each in of_level:
            console.print(Padding(f"[bold]{escape(each.about)}[/bold]", (0, 0, 0, 2)))
            console.print(Padding(escape(each.what), (0, 0, 0, 4)))
            if each.do:
                console.print(Padding(f"[green]→ {escape(each.do)}[/green]", (0, 0, 0, 4)))
        console.print()
    if cluster.unread:
        console.print("Not looked at, since it could not be read", style="bold yellow")
        for unread in cluster.unread:
            console.print(Padding(escape(f"{unread.what}: {unread.why}"), (0, 0, 0, 2)))
        console.print()
    verdict = "There is something to do." if needs_action(found) else "There is nothing to do."
    console.print(f"{verdict} Holdfast's namespace is taken to be {escape(cluster.installation)}.")
