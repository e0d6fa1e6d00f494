"""docs/logs.md has every event that the code tells, as it tells it, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/logs.md").read_text()
LEVELS = ("debug", "info", "warning", "error", "critical")
# Rooms that both processes live in: what the worker alone uses of them is the worker's.
SHARED = {"store/realtime.py": "worker"}


@dataclass(frozen=True)
class Told:
    name: str
    level: str
    process: str
    fields: frozenset[str]


def _keys(function: ast.AST, name: str) -> set[str]:
    """Of the dicts that a function puts together under a name: their keys."""
    keys: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id == name:
                dicts = [part for part in ast.walk(node.value) if isinstance(part, ast.Dict)]
                keys |= {str(key.value) for part in dicts for key in part.keys if isinstance(key, ast.Constant)}
    assert keys, f"{name} is not put together where it is told"
    return keys


def _fields(function: ast.AST, call: ast.Call) -> set[str]:
    named: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is None:
            assert isinstance(keyword.value, ast.Name), ast.unparse(call)
            named |= _keys(function, keyword.value.id)
        else:
            named.add("raised" if keyword.arg == "exc_info" else keyword.arg)
    return named


def _told() -> Iterator[Told]:
    for room in ("webhook", "worker", "store", "ops"):
        for path in sorted((ROOT / room).rglob("*.py")):
            place = str(path.relative_to(ROOT))
            process = SHARED.get(place, room if room in ("webhook", "worker") else "both")
            tree = ast.parse(path.read_text())
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _told_in(function, process)


def _told_in(function: ast.FunctionDef | ast.AsyncFunctionDef, process: str) -> Iterator[Told]:
    for call in ast.walk(function):
        method = call.func if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or not isinstance(method, ast.Attribute):
            continue
        if not isinstance(method.value, ast.Name) or method.value.id != "log":
            continue
        level, name = ("any", call.args[1]) if method.attr == "log" else (method.attr, call.args[0])
        assert level in (*LEVELS, "any"), ast.unparse(call)
        assert isinstance(name, ast.Constant), f"the name is to be written out: {ast.unparse(call)}"
        yield Told(name.value, level, process, frozenset(_fields(function, call)))


def _of_code() -> dict[str, tuple[str, str, set[str]]]:
    found: dict[str, tuple[str, str, set[str]]] = {}
    for told in _told():
        level, process, fields = found.get(told.name, (told.level, told.process, set()))
        assert level == told.level, f"{told.name} has two levels"
        found[told.name] = (level, process if process == told.process else "both", fields | told.fields)
    return found


def _of_page() -> dict[str, tuple[str, str, set[str]]]:
    section = PAGE.partition("\n## Events\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): (cells[1], cells[2], set(re.findall(r"`(\w+)`", cells[3]))) for cells in rows}


def test_every_event_is_on_the_page_as_the_code_tells_it_and_no_other() -> None:
    code = _of_code()
    assert len(code) > 30
    assert _of_page() == code


def test_events_are_named_noun_dot_verb_and_stand_in_order() -> None:
    names = list(_of_page())
    assert [name for name in names if not re.fullmatch(r"[a-z]+\.[a-z_]+", name)] == []
    assert names == sorted(names)
    section = PAGE.partition("\n## Events\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `.*$", section, re.MULTILINE)
    assert [row for row in rows if row.count(" | ") != 5] == []


def test_the_spans_of_the_page_are_those_that_the_code_makes() -> None:
    section = PAGE.partition("\n## Traces\n")[2]
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    names = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    webhook = set(re.findall(r'"((?:webhook|journal|inbound)\.\w+)"', (ROOT / "webhook/traced.py").read_text()))
    worker = set(re.findall(r'self\.name\}\.(\w+)"', (ROOT / "worker/traced.py").read_text()))
    works = dict(re.findall(r'TracedQueue\((\w+), "(\w+)"\)', (ROOT / "worker/__main__.py").read_text()))
    assert set(works) == {"outbound", "media"}
    made = webhook | {*works} | {f"{queue}.{step}" for queue, work in works.items() for step in (*worker, work)}
    assert names == made | {"POST /messages"}


def test_the_attributes_of_the_page_are_those_that_the_code_sets() -> None:
    sources = "".join(
        (ROOT / path).read_text() for path in ("webhook/traced.py", "worker/traced.py", "store/traces.py")
    )
    attributes = set(re.findall(r'"((?:wabase|http|server|error)\.[a-z_.]+)"', sources))
    section = PAGE.partition("\n## Traces\n")[2]
    assert set(re.findall(r"`((?:wabase|http|server|error)\.[a-z_.]+)`", section)) == attributes
