"""How the tests are shared out among the processes of `pytest -n`: by file, and the longest first.

Each process starts servers of its own, so no test knows whether there is another process. What costs most to start, the
whole stack of tests/acceptance, is started once: all files that use it are one share.
"""

from collections.abc import Mapping, Sequence

from xdist.scheduler import LoadScopeScheduling

from dev.ports import RANGE

STACK = "the stack of tests/acceptance"
OWN_STACKS = ("test_alarms.py", "test_supervisor.py")
"""Files of tests/acceptance that start stacks of their own and never ask for the shared one."""
LONG = (
    STACK,
    "tests/integration/workers/test_running_worker.py",
    "tests/acceptance/test_alarms.py",
    "tests/torture/test_short.py",
    "tests/acceptance/test_supervisor.py",
    "tests/integration/workers/test_running_looks.py",
    "tests/integration/api/test_contract.py",
    "tests/unit/engine/test_rehearsal.py",
    "tests/integration/api/reports/test_streaming.py",
    "tests/integration/workers/test_backups.py",
    "tests/contracts/test_storage_adapter.py",
    "tests/architecture/test_alerts.py",
)
"""The shares that take longest, in the order in which they are begun; what is left for the end is short."""

PORTS = range(10_000, 32_000)


def share_of(name: str) -> str:
    """The share a test belongs to, of the test's full name: the tests of one share run in one process."""
    file = name.partition("::")[0]
    with_stack = file.startswith("tests/acceptance/") and not file.endswith(OWN_STACKS)
    return STACK if with_stack else file


def in_order(names: Sequence[str]) -> list[int]:
    """The places of these tests, those of long shares first; otherwise as they were."""
    ranks = {share: rank for rank, share in enumerate(LONG)}
    return sorted(range(len(names)), key=lambda place: ranks.get(share_of(names[place]), len(LONG)))


def ports_of_this_process(environment: Mapping[str, str]) -> dict[str, str]:
    """Where a process of `pytest -n` chooses its servers' ports: another range than its neighbours, as environment.

    Below those that the system gives to whoever asks for any.
    """
    name = environment.get("PYTEST_XDIST_WORKER")
    if name is None:
        return {}
    number, count = int(name.removeprefix("gw")), int(environment["PYTEST_XDIST_WORKER_COUNT"])
    mine = PORTS[number * len(PORTS) // count : (number + 1) * len(PORTS) // count]
    return {RANGE: f"{mine[0]}-{mine[-1]}"}


class Shares(LoadScopeScheduling):
    """Hands a process its next share when it is nearly through with what it has."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)
