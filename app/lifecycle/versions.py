"""The version of a workload whose author gave none (keptn-behaviour 2.3)."""

from collections.abc import Iterable

from app.api.core import Pod, PodContainer

_OFFSET = 0x811C9DC5
_PRIME = 0x01000193


def computed(pod: Pod, container: str = "") -> str:
    """The tag of the image of `container` (the key ``keptn.sh/container``), else a hash of all containers; lower case.

    Keptn gives up when the pod has no such container, and leaves the pod waiting for ever or lets it pass unchecked.
    Here the hash stands in, and admission warns.
    """
    named = next((c for c in pod.spec.containers if c.name == container), None) if container else None
    tag = image_version(named.image) if named else ""
    return (tag or fingerprint(pod.spec.containers)).lower()


def image_version(image: str) -> str:
    """What stands after the last colon of an image's name, a digest too; "" for no colon, nothing, or ``latest``."""
    _, colon, tag = image.rpartition(":")
    return tag if colon and tag != "latest" else ""


def fingerprint(containers: Iterable[PodContainer]) -> str:
    """32-bit FNV-1a, in decimal, over each container's name, image, and its literal environment as name and value."""
    text = "".join(c.name + c.image + "".join(env.name + env.value for env in c.env) for c in containers)
    sum_ = _OFFSET
    for byte in text.encode("utf-8", "surrogatepass"):
        sum_ = ((sum_ ^ byte) * _PRIME) & 0xFFFFFFFF
    return str(sum_)
