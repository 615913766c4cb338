from pathlib import Path

from localkube.parts import NAMES, all_parts
from localkube.paths import Paths
from localkube.settings import PORTS

PATHS = Paths(Path("/srv/holdfast/.localkube"))


def test_the_parts_are_those_that_are_named_in_their_order() -> None:
    assert tuple(all_parts(PATHS, {})) == NAMES


def test_every_port_belongs_to_a_part() -> None:
    owned = [port for part in all_parts(PATHS, {}).values() for port in part.ports]
    assert sorted(map(str, owned)) == sorted(map(str, PORTS))


def test_no_two_parts_want_the_same_port_and_none_wants_it_for_all_to_reach() -> None:
    assert len({(port.address, port.number) for port in PORTS}) == len(PORTS)
    assert {port.address for port in PORTS} == {"127.0.0.1", "10.250.0.1"}
