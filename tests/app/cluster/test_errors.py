from app.cluster import errors


def test_a_name_that_is_taken_and_a_conflict_are_told_apart_by_reason() -> None:
    assert type(errors.from_status(409, {"reason": "AlreadyExists"})) is errors.AlreadyExists
    assert type(errors.from_status(409, {"reason": "Conflict"})) is errors.Conflict
    assert type(errors.from_status(409, {})) is errors.Conflict


def test_an_expired_version_is_gone_even_without_a_code() -> None:
    assert type(errors.from_status(0, {"reason": "Expired"})) is errors.Gone


def test_the_wait_comes_from_the_header_or_else_from_the_details() -> None:
    body = {"details": {"retryAfterSeconds": 3}}
    assert errors.from_status(429, body).retry_after == 3
    assert errors.from_status(429, body, 7).retry_after == 7
    assert errors.from_status(429, {}).retry_after is None


def test_only_a_namespace_that_ends_is_one_that_terminates() -> None:
    ending = errors.from_status(403, {"details": {"causes": [{"reason": "NamespaceTerminating"}]}})
    assert isinstance(ending, errors.Forbidden)
    assert ending.namespace_terminating
    assert not errors.Forbidden(403, "Forbidden", "over quota").namespace_terminating


def test_an_error_reads_well() -> None:
    assert str(errors.NotFound(404, "NotFound", "no such pod")) == "404 NotFound: no such pod"
    assert str(errors.Unavailable(0, "Timeout", "no answer in time")) == "Timeout: no answer in time"
