"""Mistakes in the webhook."""

from tests.simulation.mutations.mutation import Edit, Mutation, one

MUTATIONS: tuple[Mutation, ...] = (
    one(
        "admission-fails-open",
        "no pod is ever held: it goes unchecked, and nobody is told",
        "I2",
        "admission/pods.py",
        "        return patched(gates.hold(raw), self",
        "        return allowed() or patched(gates.hold(raw), self",
    ),
    one(
        "unreadable-owner-goes-unchecked",
        "a pod whose owner cannot be read at the moment goes unchecked",
        "I2",
        "admission/pods.py",
        "        ops = gates.hold(raw)\n",
        '        ops = gates.hold({"spec": {}, "metadata": {}}) and []\n',
    ),
    one(
        "unreadable-owner-is-denied",
        "a pod whose owner cannot be read at the moment is refused",
        "I6",
        "admission/pods.py",
        "        ops = gates.hold(raw)\n",
        '        return Response(False, status={"code": 500, "message": why})\n',
    ),
    one(
        "unfinished-check-counts-as-passed",
        "a pod that joins a revision whose checks are under way goes unchecked",
        "I2",
        "admission/cache.py",
        "    if not has_passed(status) or not status.revisions:\n",
        "    if not status.revisions:\n",
    ),
    one(
        "any-revision-of-the-set",
        "once one revision of a StatefulSet has passed, all later ones go unchecked",
        "I2",
        "admission/pods.py",
        "            return await self._parents.revision(namespace, pod, owner) in passed\n",
        "            return True\n",
    ),
    one(
        "passes-are-not-known",
        "with the worker down, the evicted pods of what has long passed are not replaced",
        "I3",
        "admission/pods.py",
        "        if not gates.is_held(pod) and await self._has_passed(namespace, pod, owner, identity):\n",
        "        if False:\n",
    ),
    Mutation(
        "opt-in-taken-back",
        "a namespace loses the label that the webhook is called by, and its pods go unchecked",
        ("I2",),
        (
            Edit(
                "worker/namespaces.py", "wellknown.LABEL_NAMESPACE if opted_in else None", "None if opted_in else None"
            ),
            Edit("admission/namespaces.py", '("CREATE", "UPDATE")', '("CREATE",)'),
        ),
    ),
)
