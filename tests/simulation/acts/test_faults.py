"""Each fault does what it says, and is over when it says so."""

import pytest

from app.cluster import resources
from tests.simulation.acts import faults
from tests.simulation.acts.act import Act
from tests.simulation.acts.rehearsal import Look, play, texts
from tests.simulation.manifests import SHOP
from tests.simulation.world import World


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("number", [1, 4, 7])
def test_a_crash_at_a_write_is_before_or_after_it(number: int, done: bool) -> None:
    result = play((0.1, faults.CrashAtWrite(number, done)))
    (said,) = [text for text in texts(result, "fault") if "is killed" in text]
    assert said.startswith(f"worker-1 is killed {'after' if done else 'before'} ")
    assert result.counts["crashes"] == 1
    assert result.counts["gates_opened"] == 2


@pytest.mark.parametrize("kind", [faults.Kill, faults.Terminate])
def test_a_process_is_ended_and_another_takes_its_place(kind: type[faults.Kill]) -> None:
    alive = Look(lambda world: [replica.alive for replica in (*world.workers, *world.webhooks)])
    result = play((1.0, kind(1)), (1.001, alive), (40.0, alive))
    assert result.counts["crashes"] == 1
    assert alive.seen[1] == [True, True]


def test_a_kill_is_at_once() -> None:
    alive = Look(lambda world: [replica.alive for replica in (*world.workers, *world.webhooks)])
    play((1.0, faults.Kill(1)), (1.001, alive))
    assert alive.seen[0].count(False) == 1


def test_a_frozen_process_goes_on_where_it_was() -> None:
    frozen = Look(lambda world: world.workers[0].process.frozen)
    play((0.5, faults.Freeze(1)), (0.501, frozen), (60.0, frozen))
    assert frozen.seen == [True, False]


def test_a_partition_has_an_end() -> None:
    cut = Look(lambda world: any(client.network.cut_off for client in world.clients()))
    play((0.5, faults.Partition(1)), (0.501, cut), (60.0, cut))
    assert cut.seen == [True, False]


def test_during_an_outage_nothing_is_answered() -> None:
    until = Look(lambda world: world.outage_until > world.seconds())
    result = play((0.5, faults.Outage(1)), (0.501, until), (70.0, until))
    assert until.seen == [True, False]
    assert result.counts["gates_opened"] == 2


@pytest.mark.parametrize("kind", [faults.Trouble, faults.LateWrites])
def test_the_fate_of_requests_is_as_before_when_it_is_over(kind: type[faults.Trouble]) -> None:
    fates = Look(lambda world: [client.network.fate == world._fate for client in world.clients()])
    play((0.5, kind(1)), (0.501, fates), (60.0, fates))
    assert fates.seen[0].count(False) == 1
    assert fates.seen[1] == [True, True]


def test_watches_break_and_are_begun_anew() -> None:
    watches = Look(lambda world: [len(client.watches) for client in world.clients()])
    play((1.0, watches), (1.1, faults.BreakWatches(1)), (20.0, watches))
    assert watches.seen[0] == watches.seen[1]


@pytest.mark.parametrize("luck", [1, 2, 3, 4])
def test_silent_watches_say_nothing(luck: int) -> None:
    def silent(world: World) -> int:
        return sum(watch.silent for client in world.clients() for watch in client.watches)

    look = Look(silent)
    play((1.0, faults.SilentWatches(luck)), (1.001, look))
    assert look.seen[0] > 0


def test_lag_is_over_some_time() -> None:
    lag = Look(lambda world: max(client.network.lag for client in world.clients()))
    play((0.5, faults.Lag(1)), (0.501, lag), (60.0, lag))
    assert lag.seen[0] > 0
    assert lag.seen[1] == 0


def test_events_are_told_twice() -> None:
    assert play((1.0, faults.Repeat(1))).counts["Repeat"] == 1


def test_the_lease_is_deleted_and_made_again() -> None:
    result = play((1.0, faults.DeleteLease()))
    assert result.counts["DeleteLease"] == 1
    assert result.counts["gates_opened"] == 2


@pytest.mark.parametrize("act", [faults.RefuseGates(3), faults.RefuseJobs(3), faults.RefusePods(3)])
def test_a_refusal_is_a_policy_for_a_while(act: Act) -> None:
    policies = Look(lambda world: len(world.server.policies))
    result = play((0.2, policies), (0.25, act), (0.26, policies), (60.0, policies))
    assert policies.seen == [1, 2, 1]
    assert result.counts["gates_opened"] == 2


def test_no_gate_is_opened_while_gates_are_refused() -> None:
    held = Look(lambda world: sum("schedulingGates" in pod["spec"] for pod in world.server.list(resources.PODS, SHOP)))
    play((0.25, faults.RefuseGates(3)), (4.0, held), (60.0, held))
    assert held.seen == [2, 0]


def test_poison_is_for_one_object() -> None:
    (said,) = [text for text in texts(play((1.0, faults.Poison(1))), "fault") if not text.startswith("over")]
    assert said.startswith("whatever was written of Keptn")
