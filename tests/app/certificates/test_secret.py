import base64

from app.certificates import secret


def test_values_are_decoded_and_garbage_is_empty() -> None:
    body = {
        "metadata": {"name": "s"},
        "data": {"ca.crt": base64.b64encode(b"PEM").decode(), "ca.key": "%%%", "tls.crt": 7, "tls.key": "ünicode"},
    }
    view = secret.decode(body)
    assert [view.value(key) for key in ("ca.crt", "ca.key", "tls.crt", "tls.key", "none")] == [
        b"PEM",
        b"",
        b"",
        b"",
        b"",
    ]


def test_a_secret_without_data_is_empty() -> None:
    assert secret.decode({"metadata": {"name": "s"}, "data": None}).value("ca.crt") == b""


def test_its_repr_keeps_the_secret() -> None:
    view = secret.decode({"metadata": {"name": "s"}, "data": {"ca.key": "aHVudGVyMg=="}})
    assert "aHVudGVyMg" not in repr(view)
