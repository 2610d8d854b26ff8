"""The tests are shared out whole, to processes that do not meet."""

import socket

import pytest

from dev.ports import RANGE, free_ports
from tests.conftest import ROOT
from tests.sharing import LONG, OWN_STACKS, STACK, in_order, ports_of_this_process, share_of


def ports_of(worker: int, count: int) -> range:
    environment = {"PYTEST_XDIST_WORKER": f"gw{worker}", "PYTEST_XDIST_WORKER_COUNT": str(count)}
    first, last = map(int, ports_of_this_process(environment)[RANGE].split("-"))
    return range(first, last + 1)


def test_the_long_shares_exist_and_each_is_named_once() -> None:
    files = [share for share in LONG if share != STACK]
    assert [] == [file for file in files if not (ROOT / file).is_file()]
    assert [] == [file for file in OWN_STACKS if not (ROOT / "tests" / "acceptance" / file).is_file()]
    assert len(LONG) == len(set(LONG))


def test_whoever_asks_for_the_shared_stack_is_in_its_share(request: pytest.FixtureRequest) -> None:
    asking = [item for item in request.session.items if "house" in getattr(item, "fixturenames", ())]
    assert {item.nodeid for item in asking if share_of(item.nodeid) != STACK} == set()


def test_a_file_stays_whole_and_long_shares_come_first() -> None:
    first = "tests/acceptance/browser/test_guests.py::test_x[a::b]"
    names = ["tests/unit/test_b.py::test_1[x::y]", f"{LONG[1]}::test_1", "tests/unit/test_b.py::test_2", first]
    assert [first, names[1], names[0], names[2]] == [names[place] for place in in_order(names)]
    assert [STACK, LONG[1], "tests/unit/test_b.py"] == [share_of(first), share_of(names[1]), share_of(names[0])]


@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_no_two_processes_choose_the_same_port(count: int) -> None:
    ranges = [ports_of(worker, count) for worker in range(count)]
    assert sum(map(len, ranges)) == len(set().union(*ranges))
    assert min(map(len, ranges)) > 1000


def test_one_process_alone_lets_the_system_choose() -> None:
    assert {} == ports_of_this_process({})


def test_ports_come_from_the_range_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (free,), busy = free_ports(1), taken.getsockname()[1]
        monkeypatch.setenv(RANGE, f"{free}-{free}")
        assert [free] == free_ports(1)
        monkeypatch.setenv(RANGE, f"{busy}-{busy}")
        with pytest.raises(OSError, match=f"no free port in {busy}-{busy}"):
            free_ports(1)
