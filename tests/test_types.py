"""The inbox's TypeScript: what the CLI generates from the schema, and the shapes of what the schema holds as jsonb."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Connect

ROOT = Path(__file__).parent.parent
INBOX = ROOT / "examples/inbox"
COMPILER = INBOX / "node_modules/typescript/bin/tsc"
EXAMPLE = re.compile(r"^## (\w+)\n|^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Type and content of every example in docs/messages.md."""
    page = (ROOT / "docs/messages.md").read_text().split("# Statuses")[0]
    found, kind = [], ""
    for heading, body in EXAMPLE.findall(page):
        kind = heading or kind
        if body:
            found.append((kind, body))
    return found


def compiled(folder: Path, source: str) -> str:
    """What the compiler says of a file beside the inbox's sources; nothing if it is right."""
    if not COMPILER.exists():
        pytest.skip("TypeScript is not installed: run `make inbox`")
    (folder / "examples.ts").write_text(source)
    options = json.loads((INBOX / "tsconfig.json").read_text())["compilerOptions"] | {"types": []}
    config = {"compilerOptions": options, "files": ["examples.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    told = subprocess.run(["node", COMPILER, "-p", folder], capture_output=True, text=True, check=False)
    return told.stdout


def test_the_generated_types_are_what_the_migrations_give(tmp_path: Path) -> None:
    files = {"typescript": "examples/inbox/src/database.types.ts", "python": "examples/bot/database_types.py"}
    generate = [f"{sys.executable} -m devstack.typegen {language} > {tmp_path / language}" for language in files]
    # In a stack of its own: other tests make tables in `public`.
    command = [sys.executable, "-m", "devstack", "run", "--", "sh", "-ec", "\n".join(generate)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for language, file in files.items():
        assert (tmp_path / language).read_text() == (ROOT / file).read_text(), (
            "run `make types` and review what changed"
        )


def test_content_has_a_shape_for_every_documented_type_that_takes_what_comes(tmp_path: Path) -> None:
    found = examples()
    assert len(found) > 20
    lines = [f"import type {{ ContentByType }} from '{INBOX}/src/content'"]
    for place, (kind, body) in enumerate(found):
        lines.append(f"export const example{place}: ContentByType['{kind}'] = {body}")
    assert compiled(tmp_path, "\n".join(lines)) == ""


def test_a_shape_that_is_wrong_is_found(tmp_path: Path) -> None:
    source = f"import type {{ ContentByType }} from '{INBOX}/src/content'\n"
    told = compiled(tmp_path, source + "export const wrong: ContentByType['text'] = { body: 1 }")
    assert "Type 'number' is not assignable to type 'string'" in told


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ("ConversationListItem", "conversation_list_item"),
        ("ConversationWithDetails", "conversation_details"),
        ("MessageRow", "conversation_message"),
    ],
)
async def test_the_shapes_name_the_columns_of_their_rows(database: Connect, shape: str, row: str) -> None:
    async with database() as connection:
        found = await connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", [f"public.{row}"]
        )
        columns = {column["attname"] for column in await found.fetchall()}
    assert fields(shape) == columns


def fields(shape: str) -> set[str]:
    """The names in an interface of shapes.ts, with those of the interface it extends."""
    source = (INBOX / "src/shapes.ts").read_text()
    found = re.search(rf"^export interface {shape} (?:extends Omit<(\w+), [^>]*> )?{{\n(.*?)^}}", source, re.M | re.S)
    assert found
    own = set(re.findall(r"^  (\w+)\??: ", found[2], re.MULTILINE))
    return own | (fields(found[1]) if found[1] else set())


def test_nothing_that_somebody_wrote_is_read_as_html() -> None:
    sources = {path.name: path.read_text() for path in (INBOX / "src").glob("*.ts")}
    unsafe = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\(|new Function"
    )
    assert [name for name, source in sources.items() if unsafe.search(source)] == []


def test_sources_keep_the_house_rules() -> None:
    ours = [path for path in (INBOX / "src").rglob("*.*") if path.name != "database.types.ts"]
    assert len(ours) > 20
    for path in ours:
        lines = path.read_text().splitlines()
        assert len(lines) <= 300, path.name
        assert max(map(len, lines)) <= 120, path.name


def test_packages_are_pinned_and_the_lock_names_no_registry() -> None:
    package = json.loads((INBOX / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    assert '"resolved"' not in (INBOX / "package-lock.json").read_text()
