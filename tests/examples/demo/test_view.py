from io import StringIO

from rich.console import Console, RenderableType

from examples.demo import shop, verdict, view
from examples.demo.kubectl import Metrics, RolloutStatus
from examples.demo.story import Story
from tests.examples.demo import tale


def _text(what: RenderableType, width: int = 120) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(what)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_the_picture_says_who_is_held_since_when_and_what_the_check_does() -> None:
    told = tale.story()
    told.pod(1.0, None, tale.pod(tale.GOOD, held=True))
    told.job(2.0, None, tale.job(tale.GOOD.definition))
    text = _text(view.live(told, 5.0))
    assert "1 held" in text
    assert "storefront-prices" in text
    assert "deno, starting 3.0 s" in text
    assert "shut for " in text
    assert "4.0 s" in text
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
    tale.tell_all(told)
    text = _text(view.account(told, None, None))
    row = next(line for line in text.splitlines() if "│ storefront" in line)
    assert "3.00 s" in row
    assert "1.90 s" in row
    assert "1.10 s" in row
    assert "1 ready" in row


def test_the_account_tells_how_the_application_went_and_who_was_warned_of() -> None:
    told = tale.story()
    tale.tell_all(told)
    text = _text(view.account(told, None, Metrics("keptn_app_deploymentduration{} 7", "")))
    assert "before all workloads: suppliers-deliver Succeeded in 1.9 s" in text
    assert "orders work" in text
    assert "evaluation: articles-offered Succeeded, articles 3" in text
    assert "shop-1: Completed Succeeded, 7.0 s after the apply" in text
    assert "keptn_app_deploymentduration{} 7" in text
    assert "1 ready, warned" in text


def test_the_picture_has_the_application_with_its_phase_and_the_latest_of_its_checks() -> None:
    told = tale.story()
    text = _text(view.live(told, 0.0))
    assert "not begun" in text
    assert "suppliers-deliver" in text
    tale.tell_good(told)
    told.job(5.5, None, tale.job(tale.APP.after))
    text = _text(view.live(told, 8.0))
    assert "1 of 2" in text
    assert "then orders-work" in text
    assert "starting 2.5 s" in text
    assert "then storefront-welcomes" in text
    tale.tell_app(told)
    text = _text(view.live(told, 8.0))
    assert "Completed" in text
    assert "then articles-offered" in text
    assert "articles 3" in text


def test_picture_and_account_fit_a_narrow_terminal() -> None:
    told = tale.story()
    tale.tell_all(told)
    told.app_version(8.0, None, tale.app_version("AppPostDeployEvaluations", "Progressing"))
    told.pod(8.0, None, tale.pod(tale.GOOD, held=True, name="storefront-2"))
    for what in (view.live(told, 8.0), view.account(told, None, None)):
        assert "…" not in _text(what, width=80).partition("└")[0]  # the table; what happens below may be cut off


def test_the_picture_is_no_higher_than_a_small_terminal() -> None:
    objects = shop.documents()
    told = Story(shop.expected(objects), shop.expected_app(objects))
    tale.tell_all(told)
    assert len(_text(view.live(told, 8.0), width=80).splitlines()) <= 24


def test_a_workload_that_only_warns_is_not_said_to_stay_shut() -> None:
    told = tale.story()
    told.pod(0.0, None, tale.pod(tale.WARNED, held=True))
    tale.run(told, tale.WARNED.definition, 1.0, 2.0, "Failed")
    text = _text(view.live(told, 5.0))
    assert "shut for" in text
    assert "stays shut" not in text


def test_the_account_says_why_the_failed_one_is_held_in_its_own_words() -> None:
    told = tale.story()
    tale.tell_bad(told)
    text = _text(view.account(told, None, None))
    assert "still held" in text
    assert "ERROR: not with real orders" in text
    assert "False ProgressDeadlineExceeded" in text
    assert "The rollout failed 0.30 s after the check's pod had ended." in text


def test_the_account_shows_what_kubectl_says_of_the_rollout() -> None:
    told = tale.story()
    tale.tell_bad(told)
    text = _text(view.account(told, RolloutStatus("kubectl rollout status", "error: it is over", 1), None))
    assert "kubectl rollout status says:" in text
    assert "error: it is over" in text
    assert "(exit status 1)" in text


def test_brackets_in_what_a_check_printed_are_not_taken_for_markup() -> None:
    told = tale.story()
    tale.tell_bad(told)
    told.workloads[2].check.last_lines = "[red]ERROR[/red] [1/2]"
    assert "[red]ERROR[/red] [1/2]" in _text(view.account(told, None, None))


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
