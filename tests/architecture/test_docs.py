"""What the pages say exists: files, functions, commands, routes, settings, words. And they say enough."""

import ast
import importlib.util
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import click
import psycopg
import pytest

from api.app import ROUTES
from api.cli import operate
from dev.__main__ import main as dev_commands
from tests.architecture.pages import Page, page, pages
from tests.architecture.source import ROOT, python_files, tree
from tests.conftest import TestDatabase
from tovector.cli import main as client_commands

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
FILE_ENDINGS = (".py", ".md", ".sql", ".toml", ".yml", ".lock", ".sh")
MOST_LINES_OF_A_DECISION = 50
MOST_BYTES_OF_A_PICTURE = 200_000
NAMES_OF_OTHERS = {"REMAP_SIGTERM"}  # Celery's; named to say why we do without
METHODS = "GET|POST|PUT|PATCH|DELETE"
each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
each_decision = pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)


@each_page
def test_every_link_leads_somewhere(page: Page) -> None:
    assert [] == [link for link in page.links() if not link.startswith("https://") and not leads(page, link)]


def leads(page: Page, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.path.parent / name).resolve() if name else page.path
    if not target.exists():
        return False
    return not anchor or anchor in next((other.anchors() for other in pages() if other.path == target), set[str]())


def test_every_page_is_found_from_the_readme() -> None:
    found, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in found or not path.is_relative_to(ROOT):
            continue
        found.add(path)
        if path.is_dir():
            ahead += path.glob("*.md")
        elif path.suffix == ".md":
            here = next(page for page in pages() if page.path == path)
            ahead += [(path.parent / link.partition("#")[0]).resolve() for link in here.links() if ":" not in link]
    assert set() == {page.path for page in pages()} - found


@each_page
def test_every_file_named_exists(page: Page) -> None:
    assert [] == [word for word in page.words() if looks_like_a_file(word) and not is_a_file(word)]


def looks_like_a_file(word: str) -> bool:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) or any(word.startswith(name) for name in made_at_run_time()):
        return False
    return word.partition("/")[0] in {entry.name for entry in ROOT.iterdir()} or word.endswith(FILE_ENDINGS)


@cache
def made_at_run_time() -> tuple[str, ...]:
    """What .gitignore leaves out: it is named in the docs, and not there before it is made."""
    return tuple(line for line in (ROOT / ".gitignore").read_text("utf-8").split() if "*" not in line)


def is_a_file(word: str) -> bool:
    return (ROOT / word).exists() or ("/" not in word and any(path.name == word for path in python_files(*FOLDERS)))


FOLDERS = ("api", "workers", "shared", "dev", "tovector", "tests", "deploy", "samples")


@each_page
def test_every_function_named_exists(page: Page) -> None:
    named = [word.split(".") for word in page.words() if re.fullmatch(r"[a-z_]+\.[A-Za-z_]+(\.[a-z_]+)?", word)]
    known = definitions()
    wrong = [parts for parts in named if parts[0] in known and parts[1] not in known[parts[0]] and not is_file(parts)]
    assert [] == wrong


def is_file(parts: list[str]) -> bool:
    return f".{parts[-1]}" in FILE_ENDINGS


@cache
def definitions() -> dict[str, set[str]]:
    """Everything that the modules of each name define: functions, methods, classes, constants, fields."""
    found = defaultdict[str, set[str]](set)
    for path in python_files("api", "workers", "shared", "dev", "tovector"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[path.stem].add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found[path.stem].add(node.id)
    return found


@each_page
def test_every_name_is_the_name_of_something(page: Page) -> None:
    """Settings, columns, tests, events, metrics, slugs: whatever is written like a name is found in the source."""
    names = [word for word in page.words() if re.fullmatch(r"[A-Za-z]\w*([_-][A-Za-z0-9]+)+", word)]
    ours = set(names) - NAMES_OF_OTHERS
    assert set() == {name for name in ours if not is_in_source(re.escape(without_unit(name)))}


def is_in_source(name: str) -> bool:
    """Whether this whole name is there. The pattern begins with the name, for which re can search quickly."""
    return re.search(rf"{name}(?!\w)(?<!\w{name})", source()) is not None


def without_unit(name: str) -> str:
    """A counter's name in the source; Prometheus adds `_total`."""
    return name.removesuffix("_total")


@cache
def source() -> str:
    """All that is not a page."""
    endings = {".py", ".sql", ".sh", ".yml", ".conf", ".ini"}
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in endings]
    found += [path for path in ROOT.iterdir() if path.suffix not in {".md", ".lock"} and not is_coverage(path)]
    return "\n".join(path.read_text("utf-8") for path in found if path.is_file() and path.name != "schema.sql")


def is_coverage(path: Path) -> bool:
    """Whether it is data of coverage, which processes write and take away while the tests run."""
    return path.name.startswith(".coverage")


@each_page
def test_every_command_exists(page: Page) -> None:
    commands = [*page.words(), *(line.strip() for block in page.blocks("sh") for line in block.splitlines())]
    assert [] == [command for command in commands if not makes_sense(command)]


def makes_sense(command: str) -> bool:
    goals = re.findall(r"^(?:[A-Z_]+=\S+ )*make ((?:[a-z-]+ ?)+)", command)
    typed = re.findall(r"(?:^|/)tovector ([a-z]+)", command)
    modules = re.findall(r"\bpython3? -m ([\w.]+)(?: ([a-z][a-z-]*))?", command)
    return (
        all(goal in make_targets() for goal in " ".join(goals).split())
        and all(is_command(module, first) for module, first in modules)
        and all(name in client_commands.commands for name in typed)
    )


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def is_command(module: str, first: str) -> bool:
    groups: dict[str, click.Group] = {"dev": dev_commands, "api": operate}
    if module in groups and first:
        return first in groups[module].commands
    return importlib.util.find_spec(module) is not None


@each_page
def test_every_route_exists(page: Page) -> None:
    known = {f"{route.method} {without_names(route.path)}" for route in ROUTES}
    named = [re.match(rf"({METHODS}) (/[^\s?]*)", word) for word in page.words()]
    asked = {f"{match[1]} {without_names(match[2])}" for match in named if match and "…" not in match[0]}
    assert set() == asked - known


def without_names(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


@each_page
def test_every_pinned_version_is_the_one_we_use(page: Page) -> None:
    pins = {word for word in page.words() if re.fullmatch(r"[a-z-]+==[\d.]+", word)}
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert set() == {pin for pin in pins if f'"{pin}"' not in project}


@each_page
def test_no_page_names_a_machine(page: Page) -> None:
    assert [] == re.findall(r"(?:/work|/root|/home/[a-z]+)/\S+|https?://(?:localhost|10\.|192\.168)\S*", page.text)


@each_decision
def test_a_decision_is_short_and_ends_in_what_enforces_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    assert text.startswith(f"# {int(path.stem[:4])}. ")
    parts = re.split(r"^\*\*([A-Z][a-z ]+)\.\*\*", text, flags=re.MULTILINE)
    assert ["Context", "Decision", "Consequences", "What enforces it"] == parts[1::2]
    assert re.search(r"`[\w/-]+\.(py|toml)`", parts[-1])
    assert len(text.splitlines()) <= MOST_LINES_OF_A_DECISION


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.stem[:4] for path in DECISIONS]
    assert sorted(set(numbers)) == numbers


def test_every_decision_named_in_the_source_is_there() -> None:
    named = set(re.findall(r"docs/decisions/(\d{4})", source()))
    assert set() == named - {path.stem[:4] for path in DECISIONS}


def test_every_table_and_status_is_in_the_glossary() -> None:
    schema = (ROOT / "shared" / "sql" / "schema.sql").read_text("utf-8")
    tables = set(re.findall(r"^CREATE TABLE public\.(\w+)", schema, re.MULTILINE)) - {"schema_migrations"}
    enums = re.findall(r"^CREATE TYPE public\.\w+ AS ENUM \((.*?)\);", schema, re.MULTILINE | re.DOTALL)
    labels = {label.replace("_", " ") for enum in enums for label in re.findall(r"'(\w+)'", enum)}
    glossary = page("docs/glossary.md").text
    unexplained = {word for word in tables | labels if not re.search(rf"\*\*{word}\*\*", glossary)}
    assert set() == {word for word in unexplained if not word.endswith("_default")}


def test_the_sql_of_the_runbook_is_for_operators(database: TestDatabase) -> None:
    statements = page("docs/runbook.md").blocks("sql")
    assert statements
    with psycopg.connect(database.operator_url) as operator:
        for statement in statements:
            assert operator.execute(statement.encode()).description is not None


def test_the_changelog_keeps_its_form() -> None:
    text = page("CHANGELOG.md").text
    assert "[Unreleased]" == re.findall(r"^## (.+)$", text, re.MULTILINE)[0]
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set() == set(re.findall(r"^### (.+)$", text, re.MULTILINE)) - kinds


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()}
    assert {} == {name: size for name, size in sizes.items() if size > MOST_BYTES_OF_A_PICTURE}
