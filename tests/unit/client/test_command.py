"""The installed command, and `tovector trace`, which needs no server."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from dev.home import CHECKOUT
from dev.render import mean_color_error
from tovector.local import checked_options
from tovector.problems import OptionsRefused

COMMAND = Path(sys.executable).parent / "tovector"


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        (COMMAND, *arguments), cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_is_installed_and_runs_anywhere(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path, "--help")
    assert (0, True) == (code, "Exit codes" in said)
    assert (0, "tovector, version 0.1.0\n") == run(tmp_path, "--version")[:2]
    assert 2 == run(tmp_path, "vectorize")[0]


def test_trace_draws_without_a_server_and_says_what_went_wrong(tmp_path: Path) -> None:
    sample = CHECKOUT / "samples" / "logo.png"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(sample.read_bytes())
    (tmp_path / "in" / "b.jpg").write_bytes((CHECKOUT / "samples" / "harbor.jpg").read_bytes())
    (tmp_path / "in" / "c.png").write_text("no picture")
    code, said, complained = run(tmp_path, "trace", "in", "--jobs", "2", "--preset", "logo")
    assert (1, 2) == (code, said.count(" paths, ")), complained
    assert "in/c.png: The file is neither a PNG nor a JPEG" in complained
    assert mean_color_error((tmp_path / "in" / "a.svg").read_bytes(), sample) < 3
    assert (1, "") == run(tmp_path, "trace", "in")[:2]  # what was there is kept
    assert 0 == run(tmp_path, "trace", "in/a.png", "-o", "in/a.svg")[0]  # unless it is named
    code, said, complained = run(
        tmp_path, "trace", "in/a.png", "--format", "pdf", "--format", "dxf", "--option", "width=80"
    )
    assert (0, True) == (code, said.startswith("in/a.pdf, in/a.dxf: ")), complained
    assert (tmp_path / "in" / "a.pdf").read_bytes().startswith(b"%PDF")
    assert "SECTION" in (tmp_path / "in" / "a.dxf").read_text()
    code, _, complained = run(tmp_path, "trace", "in/a.png", "-o", "a.ai")
    assert (2, True) == (code, "ai is no format of a drawing: say svg, pdf" in complained)


@pytest.mark.parametrize(
    ("options", "sentence"), [({"colors": 1}, "colors: must be 0"), ({"size": 3}, "size: Extra inputs"), ({}, "")]
)
def test_a_wrong_option_of_trace_is_named(options: dict[str, object], sentence: str) -> None:
    wrong = pytest.raises(OptionsRefused, match=f"^{sentence}") if sentence else nullcontext()
    with wrong:
        checked_options(options)


def test_an_unknown_option_of_trace_is_answered_with_those_there_are() -> None:
    with pytest.raises(OptionsRefused, match=r"the options are background, colors, corners,"):
        checked_options({"colours": 3})


def test_who_speaks_to_a_server_loads_nothing_of_it() -> None:
    heavy = "{'api', 'shared', 'workers', 'dev', 'flask', 'celery', 'numpy', 'numba', 'pydantic'}"
    code = f"import sys, tovector.cli, tovector; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run((sys.executable, "-c", code), cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout
