"""Which of the faults that Holdfast must survive are in the simulation, and what brings each about.

Numbers and words of the faults are those of the project's list. What stands for a fault is an act (of ``users`` or
``faults``), a part of the plan, or a table of the costs.
"""

FAULTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "F1": ("killed between a Job's create and the status that speaks of it", ("CrashAtWrite",)),
    "F2": ("killed before or after any write", ("CrashAtWrite", "Kill")),
    "F3": ("a restart after Jobs were deleted by their TTL", ("Kill", "Plan.checks: ttl 0 and 1")),
    "F4": ("SIGTERM of the leader in mid-rollout", ("Terminate",)),
    "F5": (
        "a leader frozen and resumed; two leaders",
        ("Freeze", "DeleteLease", "Plan.two_leaders", "LateWrites", "LateGates"),
    ),
    "F6": ("a leader cut off from the API server", ("Partition",)),
    "F7": ("the API server away for up to a minute", ("Outage",)),
    "F8": ("410, an ERROR event, bookmarks lost", ("BreakWatches",)),
    "F9": ("a watch that says nothing any more", ("SilentWatches",)),
    "F10": ("a watch that ends at once", ("BreakWatches",)),
    "F11": ("compaction in mid-rollout", ("Outage", "BreakWatches")),
    "F12": ("reads that are behind", ("Lag", "LateWrites")),
    "F13": ("events repeated, reordered across kinds, late", ("Repeat", "Lag", "Plan.latency")),
    "F14": ("others write the same objects all the time", ("Scribble", "Trouble")),
    "F15": ("429 with Retry-After", ("Trouble",)),
    "F16": ("an object that fails for ever", ("Poison",)),
    "F17": ("out of memory: killed at any moment, with all that was known", ("Kill",)),
    "F36": ("dry runs; refused by others after our webhook", ("Rehearse", "RefusePods")),
    "F37": ("another injector, and our webhook asked again", ("Plan.injects",)),
    "F38": ("a definition missing, made later, edited, deleted", ("Plan.late", "EditCheck", "DeleteCheck")),
    "F39": ("a Job deleted in mid-run; its pod evicted; its node lost", ("DeleteOne", "Evict", "LoseNode")),
    "F40": ("a Job that never starts: image, quota", ("RefuseJobs", "Plan.checks: pull")),
    "F41": ("a Secret or ConfigMap missing, then there", ("DeleteScript", "DeleteOne", "Plan.checks: secret")),
    "F42": ("the namespace deleted at any moment", ("DeleteNamespace",)),
    "F45": ("a held pod deleted and made again", ("DeleteOne",)),
    "F46": ("a pod of a passed revision replaced", ("Evict", "DeleteOne", "Kill")),
    "F47": ("scaled while a check fails", ("Scale",)),
    "F48": ("rolled back to what has passed, or failed", ("RollBack",)),
    "F49": ("many revisions in a few seconds", ("ManyReleases",)),
    "F51": ("StatefulSets, in order and in parallel", ("Plan.workloads", "ReplaceHeld")),
    "F52": ("a DaemonSet's nodes that join later", ("JoinNodes", "Scale")),
    "F53": ("pods that have their node already", ("Strangers",)),
    "F54": ("pods of nobody, of Jobs, of our own tasks", ("Strangers",)),
    "F55": ("other gates on the same pod; all gates wiped", ("WipeGates", "Plan.injects", "Plan.workloads: gates")),
    "F56": ("the gate's patch refused", ("RefuseGates",)),
    "F58": ("a thousand pods and verdicts at once", ("costs",)),
}


def table() -> str:
    """As Markdown."""
    rows = [f"| {number} | {text} | {', '.join(acts)} |" for number, (text, acts) in FAULTS.items()]
    return "\n".join(("| | fault | brought about by |", "|---|---|---|", *rows))
