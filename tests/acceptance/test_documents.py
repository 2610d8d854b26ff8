"""README and tutorial, done as a reader does them: every command typed into a shell, every answer as it is written."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.home import CHECKOUT
from dev.render import mean_color_error
from tests.acceptance.stacks import Stack

README = CHECKOUT / "README.md"
TUTORIAL = CHECKOUT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "URL=http://127.0.0.1:8000"
END = "--- end of step ---"


@dataclass(frozen=True, slots=True)
class Step:
    """Commands, and the answer that the page shows below them (None: it shows none)."""

    commands: str
    answer: str | None


def steps(page: Path) -> list[Step]:
    """What a page has its reader type once the stack runs."""
    blocks = BLOCK.findall(page.read_text("utf-8"))
    following = [*blocks[1:], ("", "")]
    return [
        Step(text, after if kind_after == "text" else None)
        for (kind, text), (kind_after, after) in zip(blocks, following, strict=True)
        if kind == "sh" and not text.startswith("make ")
    ]


def type_in(house: Stack, folder: Path, typed: list[Step]) -> list[str]:
    """Type the commands into one shell in a folder that looks like the checkout; returns what each step said."""
    for entry in CHECKOUT.iterdir():
        (folder / entry.name).symlink_to(entry)
    text = "".join(f"{step.commands}\nprintf '\\n%s\\n' '{END}'\n" for step in typed)
    assert text.count(ADDRESS) == 1
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text.replace(ADDRESS, f"URL={house.url}")],
        cwd=folder,
        env=house.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    return [said.strip() for said in done.stdout.split(END)[:-1]]


def matches(answer: str, said: str) -> bool:
    """Whether an answer is as the page shows it, where … stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in answer.strip().split("…"))
    return re.fullmatch(pattern, said, re.DOTALL) is not None


def test_the_readme_makes_a_drawing(house: Stack, tmp_path: Path) -> None:
    typed = steps(README)
    assert 5 == max(step.commands.count("curl ") for step in typed)
    said = type_in(house, tmp_path, typed)
    assert '"available":"3.8"' in said[-1]
    assert mean_color_error((tmp_path / "logo.svg").read_bytes(), CHECKOUT / "samples" / "logo.png") < 3


def test_the_tutorial_says_what_happens(house: Stack, tmp_path: Path) -> None:
    typed = steps(TUTORIAL)
    said = type_in(house, tmp_path, typed)
    wrong = [
        (step.answer, text) for step, text in zip(typed, said, strict=True) if not matches(step.answer or "…", text)
    ]
    assert [] == wrong
    assert b"\x89PNG" == (tmp_path / "preview.png").read_bytes()[:4]


@pytest.mark.parametrize(
    ("answer", "said", "is_right"),
    [("3.8\n", "3.8", True), ('{"a":"…",…}', '{"a":"b","c":1}', True), ("3.8", "2.8", False), ("a…", "b", False)],
)
def test_an_answer_is_compared_to_the_letter(answer: str, said: str, *, is_right: bool) -> None:
    assert is_right is matches(answer, said)
