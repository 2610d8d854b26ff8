"""The rules of the house that no reviewer should have to repeat, read from the source."""

import ast
import re

from shared.settings import Settings
from tests.architecture.source import (
    RECORDS,
    ROOT,
    body_lines,
    calls,
    functions,
    public_definitions,
    python_files,
    relative,
    tree,
)

HOUSE = ("api", "workers", "shared", "dev", "tovector", "tests")
MOST_LINES = 300
# A catalogue of one short class after another is searched, not read.
CATALOGUES = {"shared/errors.py"}
MOST_HANDLER_LINES = 15
ROUTE_DECORATORS = {"route", "get", "post", "put", "patch", "delete", "operation", "open_operation"}


def test_no_file_is_longer_than_one_can_read() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in python_files(*HOUSE)}
    assert {} == {name: lines for name, lines in lengths.items() if lines > MOST_LINES and name not in CATALOGUES}


def test_one_sql_statement_a_function() -> None:
    counts = {
        f"{name}.{function.name}": len(calls(function, "execute", "executemany", "copy"))
        for name in RECORDS
        for function in functions(ROOT / "shared" / f"{name}.py")
    }
    assert {} == {name: count for name, count in counts.items() if count > 1}


def test_functions_that_touch_sql_say_so() -> None:
    verbs = ("insert_", "select_", "update_", "delete_", "prepare_", "count_")
    ledger = {"reserve", "capture", "release", "adjust", "credit_purchase", "reverse"}
    misnamed = [
        f"{name}.{function.name}"
        for name in RECORDS
        for function in functions(ROOT / "shared" / f"{name}.py")
        if calls(function, "execute") and not function.name.startswith(verbs) and function.name not in ledger
    ]
    assert [] == misnamed


def test_sql_is_written_in_the_records_alone() -> None:
    allowed = {f"shared/{name}.py" for name in RECORDS} | {"shared/db.py", "shared/migrate.py"}
    statement = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|BEGIN|COMMIT|CREATE|DROP|LISTEN) ")
    touching = {
        relative(path)
        for path in python_files("api", "workers", "shared")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.match(node.value)
    }
    assert set() == touching - allowed


def test_stories_and_doors_commit_in_plain_sight() -> None:
    hidden = [relative(path) for path in python_files("api", "workers", "shared") if calls(tree(path), "commit")]
    assert [] == hidden


def test_no_module_but_settings_reads_the_environment() -> None:
    readers = [
        relative(path)
        for path in python_files("api", "workers", "shared", "tovector")
        if re.search(r"\bos\.(environ|getenv)\b|\bfrom os import .*environ", path.read_text("utf-8"))
    ]
    # The client is no part of the house: it has its own door to the environment.
    assert {"shared/settings.py", "shared/secret_files.py", "tovector/credentials.py"} >= set(readers)


def test_records_are_frozen_and_slotted() -> None:
    """The engine's working state apart: arrays that are merged and grown in place."""
    loose = [
        f"{relative(path)}:{node.name}"
        for path in python_files("shared", "workers", "api")
        if "workers/engine/" not in relative(path)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).startswith("dataclass") and "frozen=True, slots=True" not in ast.unparse(decorator)
    ]
    assert [] == loose


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    drawers = [relative(path) for path in python_files(*HOUSE) if path.stem in {"utils", "helpers", "misc", "common"}]
    services = [
        node.name
        for path in python_files("api", "workers", "shared")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Service", "Manager", "Helper"))
    ]
    assert ([], []) == (drawers, services)


def test_handlers_and_tasks_are_short() -> None:
    long = {
        f"{relative(path)}:{function.name}": body_lines(function)
        for path in [*python_files("api"), *(ROOT / "workers").glob("*.py")]
        for function in functions(path)
        if any(_decorates(decorator) for decorator in function.decorator_list)
        and body_lines(function) > MOST_HANDLER_LINES
    }
    assert {} == long


def _decorates(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(call, ast.Attribute | ast.Name) and (
        call.attr if isinstance(call, ast.Attribute) else call.id
    ) in ROUTE_DECORATORS | {"task"}


def test_everything_public_is_described() -> None:
    silent = [
        f"{relative(path)}:{node.name}"
        for path in python_files("api", "workers", "shared", "tovector")
        for node in public_definitions(path)
        if ast.get_docstring(node) is None
    ]
    assert [] == silent


def test_events_carry_no_personal_data() -> None:
    """What is noted of an action is written out at the call, where a review sees it, in these words."""
    words = {
        *("outcome", "slug", "kind", "format", "file_type", "pixels", "bytes", "package_id", "total", "amount"),
        *("currency", "report", "entries"),
    }
    noted = [
        (relative(path), keyword.value)
        for path in python_files("api", "workers", "shared")
        for call in calls(tree(path), "insert_event")
        for keyword in call.keywords
        if keyword.arg == "data"
    ]
    assert noted
    for where, value in noted:
        literals = [node for node in ast.walk(value) if isinstance(node, ast.Dict)]
        assert literals, where
        keys = {key.value if isinstance(key, ast.Constant) else None for one in literals for key in one.keys}
        assert set() == keys - words, where


def test_every_setting_is_shown_in_the_example() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    shown = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    names = {name.upper() for name in Settings.model_fields}
    assert set() == names - shown


def test_nothing_names_this_machine_or_a_person_who_does_not_exist() -> None:
    words = re.compile(r"/(work|root|home/[a-z]+)/|session[ _]id of ours", re.IGNORECASE)
    paths = [path for path in python_files(*HOUSE) if path.name != "test_code.py"]
    found = [relative(path) for path in [*paths, *ROOT.glob("*.md")] if words.search(path.read_text("utf-8"))]
    assert [] == found
