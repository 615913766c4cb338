from io import StringIO

from rich.console import Console, RenderableType

from examples.demo import verdict, view
from examples.demo.kubectl import RolloutStatus
from tests.examples.demo import tale


def _text(what: RenderableType) -> str:
    console = Console(file=StringIO(), width=120, force_terminal=False)
    console.print(what)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_the_picture_says_who_is_held_since_when_and_what_the_check_does() -> None:
    told = tale.story()
    told.pod(1.0, None, tale.pod(tale.GOOD, held=True))
    told.job(2.0, None, tale.job(tale.GOOD))
    text = _text(view.live(told, 5.0))
    assert "1 held" in text
    assert "storefront-prices" in text
    assert "deno, starting 3.0 s" in text
    assert "shut for 4.0 s" in text
    assert "none yet" in text


def test_a_failed_check_keeps_the_gate_shut_in_the_picture() -> None:
    told = tale.story()
    tale.tell_bad(told)
    text = _text(view.live(told, 60.0))
    assert "failed in 1.0 s" in text
    assert "stays shut" in text


def test_the_picture_shows_no_more_than_the_last_lines() -> None:
    told = tale.story()
    for number in range(20):
        told.pod(float(number), None, tale.pod(tale.GOOD, held=True, name=f"storefront-{number}"))
    text = _text(view.live(told, 60.0))
    assert "pod storefront-19 is held" in text
    assert "pod storefront-3 is held" not in text


def test_the_account_sets_the_checks_time_against_the_holding_time() -> None:
    told = tale.story()
    tale.tell_good(told)
    tale.tell_bad(told)
    text = _text(view.account(told, None))
    row = next(line for line in text.splitlines() if "Deployment storefront" in line)
    assert "3.00 s" in row
    assert "1.50 s" in row
    assert "1 ready" in row


def test_the_account_says_why_the_failed_one_is_held_in_its_own_words() -> None:
    told = tale.story()
    tale.tell_bad(told)
    text = _text(view.account(told, None))
    assert "still held" in text
    assert "ERROR: not with real orders" in text
    assert "False ProgressDeadlineExceeded" in text
    assert "The rollout failed 0.30 s after the check's pod had ended." in text


def test_the_account_shows_what_kubectl_says_of_the_rollout() -> None:
    told = tale.story()
    tale.tell_bad(told)
    text = _text(view.account(told, RolloutStatus("kubectl rollout status", "error: it is over", 1)))
    assert "kubectl rollout status says:" in text
    assert "error: it is over" in text
    assert "(exit status 1)" in text


def test_brackets_in_what_a_check_printed_are_not_taken_for_markup() -> None:
    told = tale.story()
    tale.tell_bad(told)
    told.workloads[1].check.last_lines = "[red]ERROR[/red] [1/2]"
    assert "[red]ERROR[/red] [1/2]" in _text(view.account(told, None))


def test_claims_show_what_was_seen_only_where_they_did_not_hold() -> None:
    found = [verdict.Finding("it", "good one", True, "nothing"), verdict.Finding("it", "bad one", False, "a ghost")]
    text = _text(view.claims(found))
    assert "yes  good one" in text
    assert "NO   bad one" in text
    assert "a ghost" in text
    assert "nothing" not in text


def test_the_diagnosis_repeats_the_clusters_events() -> None:
    told = tale.story()
    assert "none" in _text(view.diagnosis(told))
    told.event(2.0, None, tale.warning("Pod", "storefront-1", "no [node] fits"))
    assert "Warning Held Pod storefront-1: no [node] fits" in _text(view.diagnosis(told))


def test_the_last_words_name_the_kubeconfig_and_how_to_stop() -> None:
    lines = _text(view.where_next(".localkube/kubeconfig")).splitlines()
    assert "  export KUBECONFIG=.localkube/kubeconfig" in lines
    assert lines[-1].strip() == "make cluster-down"
