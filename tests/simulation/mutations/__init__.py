"""Faults put on purpose into copies of the code: a simulation that does not find them finds nothing.

Each is a mistake that somebody could make. `python -m tests.simulation.mutations.mutants` puts them in one after
another and says how many seeds it took to find each.
"""

from tests.simulation.mutations import admission, apps, cluster, lifecycle, worker
from tests.simulation.mutations.mutation import ROOT, Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *lifecycle.MUTATIONS,
    *worker.MUTATIONS,
    *apps.MUTATIONS,
    *cluster.MUTATIONS,
    *admission.MUTATIONS,
)


def missing() -> list[str]:
    """Mutations whose text is not in the code (any more), or more than once: they must be written anew."""
    return [
        f"{mutation.name}: what it changes is not in {edit.path} exactly once"
        for mutation in MUTATIONS
        for edit in mutation.edits
        if (ROOT / "app" / edit.path).read_text().count(edit.old) != 1
    ]
