"""Pages written from the code are what the code says."""

import re

import pytest

from dev import skeleton
from dev.reference import FOLDER, PAGES
from shared import errors
from shared.errors import PermanentError, ProblemError, TransientError
from tests.architecture.source import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert PAGES[name]() == (FOLDER / name).read_text("utf-8"), "run `make fix`"


def problems() -> dict[str, type[ProblemError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProblemError)]
    return {kind.slug: kind for kind in kinds if kind not in (ProblemError, PermanentError, TransientError)}


def test_every_problem_has_a_section_in_the_docs() -> None:
    text = (ROOT / "docs" / "reference" / "problems.md").read_text("utf-8")
    sections = set(re.findall(r"^#+ `?([a-z-]+)`?$", text, re.MULTILINE))
    assert set(problems()) == sections & set(problems())
    assert set() == {section for section in sections if "-" in section} - set(problems())


def test_slugs_are_unique_and_readable() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, (PermanentError, TransientError))
    ]
    concrete = [kind for kind in kinds if kind not in (PermanentError, TransientError)]
    assert len({kind.slug for kind in concrete}) == len(concrete)
    assert [] == [kind.slug for kind in concrete if not re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.slug)]


def test_the_frame_of_a_dxf_is_what_ezdxf_writes() -> None:
    assert skeleton.skeleton() == skeleton.PATH.read_text("ascii"), "run `make fix`"
