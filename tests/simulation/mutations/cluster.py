# ruff: noqa: E501 -- pieces of code are quoted as they stand
"""Mistakes below all rules: caches, queues, leadership, events."""

from tests.simulation.mutations.mutation import Edit, Mutation, one

MUTATIONS: tuple[Mutation, ...] = (
    one(
        "watch-without-relist",
        "a watch that is too old is tried again at the same version for ever",
        "I3",
        "cluster/informer.py",
        '            log.info("the watch is too old, listing again", extra=about)\n            self._must_list = True\n',
        '            log.info("the watch is too old, listing again", extra=about)\n',
    ),
    one(
        "list-without-deletes",
        "what vanished while nobody watched stays in the cache for ever",
        "I1 I3",
        "cluster/cache.py",
        "            if key not in present:\n",
        "            if False:\n",
    ),
    one(
        "silence-is-believed",
        "a watch that says nothing any more is waited for until somebody starts the worker again",
        "I3",
        "cluster/informer.py",
        "                async with asyncio.timeout(silence):\n",
        "                async with asyncio.timeout(None):\n",
    ),
    one(
        "queue-loses-what-comes-meanwhile",
        "a key that is added while it is being worked on is forgotten",
        "I3",
        "cluster/queue.py",
        "        if key in self._dirty:\n            self._ready.append(key)\n            self._wake()\n\n    def shutdown",
        "        self._dirty.pop(key, None)\n\n    def shutdown",
    ),
    one(
        "no-retry-after-an-error",
        "what failed once is never tried again",
        "I3",
        "cluster/controller.py",
        "            self.queue.retry(key, at_least=",
        "            self.queue.forget(key) or (lambda *a, **k: None)(key, at_least=",
    ),
    one(
        "deadlines-are-not-kept",
        "what is to be looked at again in a while never is",
        "I3",
        "cluster/controller.py",
        "                self.queue.add_after(key, max(outcome.seconds, _SHORTEST_WAIT))\n",
        "",
    ),
    one(
        "no-fence",
        "a worker that stood still goes on writing after another has begun to lead",
        "lead",
        "cluster/fence.py",
        "        if not self._leading():\n",
        "        if False:\n",
    ),
    one(
        "lease-not-waited-for",
        "a second worker leads while the first one still does",
        "lead",
        "cluster/leader.py",
        "        return asyncio.get_running_loop().time() > self._seen_at + term\n",
        "        return True\n",
    ),
    one(
        "leads-beyond-its-lease",
        "a worker that cannot renew its Lease leads on when another one has it",
        "lead",
        "cluster/leader.py",
        "        self._leads_until = started + self._deadline\n",
        "        self._leads_until = started + 4 * self._duration\n",
    ),
    Mutation(
        "lease-given-back-unseen",
        "a worker that stops gives away the Lease that another one holds by now, and a third leads beside that one",
        ("lead",),
        (
            Edit("cluster/leader.py", "            still_ours = self.leading\n", "            still_ours = True\n"),
            Edit(
                "cluster/leader.py",
                '        body = {"metadata": {"resourceVersion": self._lease["metadata"]["resourceVersion"]}, "spec": spec}\n',
                '        body = {"spec": spec}\n',
            ),
        ),
    ),
    one(
        "event-named-by-chance",
        "the same words fill the namespace with one event after another",
        "quiet",
        "cluster/events.py",
        "        digest = hashlib.sha256(said.encode()).hexdigest()[:16]\n",
        "        digest = hashlib.sha256(f'{said}{self.first}'.encode()).hexdigest()[:16]\n",
    ),
)
