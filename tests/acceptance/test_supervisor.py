import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from dev.ports import free_ports, is_open
from tests.acceptance.stacks import DEV, Stack, eventually

PROCFILE = "api: {python} -m http.server --bind 127.0.0.1 $PORT --directory {www}\nclockwork: sleep 1000 # a comment\n"


@pytest.fixture(scope="module")
def procfile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    www = tmp_path_factory.mktemp("www")
    (www / "readyz").touch()
    path = tmp_path_factory.mktemp("procfile") / "Procfile"
    path.write_text(PROCFILE.format(python=sys.executable, www=www))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def started(home: Path, procfile: Path) -> Iterator[list[Stack]]:
    stacks = [Stack(home, "--procfile", str(procfile)).until_ready()]
    yield stacks
    stacks[-1].stop()


@pytest.fixture
def stack(started: list[Stack], home: Path, procfile: Path) -> Stack:
    """The module's stack, started anew where a test has ended it."""
    if started[-1].process.poll() is not None:
        started.append(Stack(home, "--procfile", str(procfile)).until_ready())
    started[-1].remember()
    return started[-1]


@pytest.fixture
def stopped(started: list[Stack]) -> None:
    """Nothing of the module's runs in its folder."""
    started[-1].stop()


def test_up_says_where_it_is_and_serves_there(stack: Stack) -> None:
    assert 200 == httpx.get(f"{stack.url}/readyz").status_code


def test_a_process_that_dies_is_started_again_and_the_others_stay(stack: Stack) -> None:
    clockwork = stack.find("clockwork")
    stack.kill("api")
    assert "api ended (signal SIGKILL), starting it again in 0.2 s" in stack.words()
    assert clockwork == stack.find("clockwork")
    assert eventually(lambda: is_open(int(stack.url.rpartition(":")[2])))


@pytest.mark.parametrize("name", ["postgres", "valkey", "storage", "sign-in"])
def test_the_servers_beneath_are_started_again_too(stack: Stack, name: str) -> None:
    stack.kill(name)
    assert eventually(lambda: is_open(stack.ports()[name]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_orderly_stop_leaves_nothing_behind(stack: Stack, number: signal.Signals) -> None:
    assert 0 == stack.stop(number)
    assert [] == stack.survivors()


def test_kill_9_leaves_nothing_behind(stack: Stack) -> None:
    stack.process.kill()
    stack.process.wait()
    assert eventually(lambda: [] == stack.survivors(), seconds=6)


@pytest.mark.usefixtures("stopped")
def test_a_stack_starts_again_after_kill_9(home: Path, procfile: Path) -> None:
    first = Stack(home, "--procfile", str(procfile)).until_ready()
    first.process.kill()
    first.process.wait()
    second = Stack(home, "--procfile", str(procfile)).until_ready()
    assert 0 == second.stop()


@pytest.mark.usefixtures("stopped")
def test_the_stack_stops_when_the_make_that_started_it_is_killed(home: Path, procfile: Path) -> None:
    environment = os.environ | {"TOVECTOR_HOME": str(home)}
    parent = subprocess.Popen(
        ("/bin/sh", "-c", f"{' '.join(DEV)} up --with-parent --procfile {procfile} & wait"),
        env=environment,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline().startswith(b"ready:")
    supervisor = psutil.Process(parent.pid).children()[0]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert eventually(lambda: not supervisor.is_running() or supervisor.status() == psutil.STATUS_ZOMBIE)


def test_a_second_up_in_the_same_folder_is_refused_and_harms_nothing(stack: Stack) -> None:
    second = stack.run("up")
    assert 1 == second.returncode
    assert f"already runs at {stack.url}" in second.stderr
    assert 200 == httpx.get(f"{stack.url}/readyz").status_code


def test_two_stacks_live_side_by_side(stack: Stack, tmp_path: Path, procfile: Path) -> None:
    other = Stack(tmp_path, "--procfile", str(procfile)).until_ready()
    try:
        assert set(stack.ports().values()).isdisjoint(other.ports().values())
        assert 200 == httpx.get(f"{stack.url}/readyz").status_code == httpx.get(f"{other.url}/readyz").status_code
    finally:
        other.stop()


@pytest.mark.usefixtures("stopped")
def test_the_port_of_the_api_can_be_chosen(home: Path, procfile: Path) -> None:
    (port,) = free_ports(1)
    stack = Stack(home, "--procfile", str(procfile), "--port", str(port)).until_ready()
    stack.stop()
    assert f"ready: http://127.0.0.1:{port}\n" in stack.words()


@pytest.mark.usefixtures("stopped")
def test_a_process_that_cannot_start_is_named_with_the_end_of_its_log(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "Procfile"
    broken.write_text("api: sh -c 'echo the roof is on fire; exit 3'\n")
    stack = Stack(home, "--procfile", str(broken))
    assert 1 == stack.process.wait(30)
    assert "Error: api ended (status 3); its log" in stack.words()
    assert "the roof is on fire" in stack.words()
    assert [] == stack.survivors()


@pytest.mark.usefixtures("stopped")
def test_a_line_that_is_no_process_is_refused(home: Path, tmp_path: Path) -> None:
    odd = tmp_path / "Procfile"
    odd.write_text("api gunicorn\n")
    stack = Stack(home, "--procfile", str(odd))
    assert 1 == stack.process.wait(30)
    assert "Procfile line 1 is not `name: command`" in stack.words()


@pytest.mark.usefixtures("stopped")
def test_ctrl_c_while_starting_leaves_nothing_behind(home: Path, procfile: Path) -> None:
    stack = Stack(home, "--procfile", str(procfile))
    assert eventually(lambda: "valkey" in stack.words())
    stack.remember()
    assert 0 == stack.stop(signal.SIGINT)
    assert [] == stack.survivors()


def test_commands_about_a_stack_that_does_not_run_say_so(tmp_path: Path) -> None:
    environment = os.environ | {"TOVECTOR_HOME": str(tmp_path)}
    for command in (("token", "alice@example.com"), ("settings",), ("clock", "+1h")):
        done = subprocess.run((*DEV, *command), env=environment, capture_output=True, text=True, check=False)
        assert (1, "") == (done.returncode, done.stdout)
        assert "start one with `make up`" in done.stderr


def test_the_clock_of_the_house_moves_and_goes_back(stack: Stack) -> None:
    assert "the house's clock is 1 day, 0:00:00 ahead\n" == stack.run("clock", "+24h").stdout
    assert "the house's clock is 23:30:00 ahead\n" == stack.run("clock", "--", "-30m").stdout
    assert "the house's clock is right\n" == stack.run("clock", "reset").stdout
    assert 1 == stack.run("clock", "tomorrow").returncode
