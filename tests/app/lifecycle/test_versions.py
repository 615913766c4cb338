"""Computed versions, held against values worked out by hand and by an independent FNV-1a."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.core import EnvVar, Pod, PodContainer, PodSpec
from app.lifecycle import versions


def pod(*containers: PodContainer) -> Pod:
    return Pod(spec=PodSpec(containers=containers))


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("busybox:1.36", "1.36"),
        ("busybox", ""),
        ("busybox:latest", ""),
        ("busybox:", ""),
        ("host:5000/img", "5000/img"),
        ("host:5000/img:2.0", "2.0"),
        ("busybox@sha256:abcdef", "abcdef"),
        ("busybox:1.36@sha256:abcdef", "abcdef"),
        ("", ""),
    ],
)
def test_an_images_version_is_what_stands_after_its_last_colon(image: str, version: str) -> None:
    assert versions.image_version(image) == version


def test_the_hash_is_32_bit_fnv_1a_in_decimal() -> None:
    # Published test vectors of FNV-1a: "" -> 811c9dc5, "a" -> e40c292c, "foobar" -> bf9cf968.
    assert versions.fingerprint([]) == str(0x811C9DC5)
    assert versions.fingerprint([PodContainer(name="a")]) == str(0xE40C292C)
    assert versions.fingerprint([PodContainer(name="foo", image="bar")]) == str(0xBF9CF968)


def test_the_hash_covers_names_images_and_literal_environment_in_order() -> None:
    split = [
        PodContainer(name="f", image="o", env=(EnvVar(name="o", value="b"), EnvVar(name="a"))),
        PodContainer(name="r"),
    ]
    assert versions.fingerprint(split) == str(0xBF9CF968)
    assert versions.fingerprint(reversed(split)) != str(0xBF9CF968)


def test_the_named_containers_tag_is_the_version_in_lower_case() -> None:
    both = pod(PodContainer(name="side", image="s:9"), PodContainer(name="main", image="m:1.0-RC"))
    assert versions.computed(both, "main") == "1.0-rc"


@pytest.mark.parametrize("container", ["", "untagged", "absent"])
def test_without_a_usable_tag_all_containers_make_the_version(container: str) -> None:
    both = pod(PodContainer(name="main", image="m:1.0"), PodContainer(name="untagged", image="u:latest"))
    assert versions.computed(both, container) == versions.fingerprint(both.spec.containers)


@given(st.text(), st.text())
def test_any_text_has_a_version_of_lower_case_digits_or_letters(name: str, image: str) -> None:
    made = versions.computed(pod(PodContainer(name=name, image=image)), name)
    assert made
    assert made == made.lower()
