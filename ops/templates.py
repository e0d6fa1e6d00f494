"""`wabase templates`: synced now, listed, and shown with what each has to be sent with."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from ops import shown
from ops.progress import Progress
from ops.project import Project, as_json, run
from ops.template_sync import Outcome, sync_number
from whatsapp.envelope import objects, text
from whatsapp.filling import Filling, Variable, filling

Row = dict[str, Any]

LISTED = ("number", "name", "language", "status", "category", "quality", "variables")
SYNCED = ("number", "templates", "new", "changed", "deleted")
# Of what a component says, this is read by people; the rest is told by its variables.
_TOLD = ("format", "text", "url", "phone_number")

of_number = click.option("--number", help="Only the number with this phone number id.")


@click.group(help="Message templates: sync them with WhatsApp, look at them, and see how each is sent.")
def templates() -> None:
    pass


@templates.command("sync", help="Asks 360dialog or Meta now; workers do so every few hours and when a send shows need.")
@of_number
@as_json
def sync_templates(number: str | None, as_json: bool) -> None:
    async def command(project: Project) -> int:
        filters = {"status": "neq.disconnected"} | ({"phone_number_id": f"eq.{number}"} if number else {})
        connections = await project.events.connections(filters)
        if number and not connections:
            click.echo(f"There is no number {number}, or it is disconnected; `wabase connect` connects one.", err=True)
            return 1
        outcomes: list[Outcome] = []
        with Progress() as progress:
            for connection in connections:
                outcome = await sync_number(project, connection)
                outcomes.append(outcome)
                if note := outcome.note():
                    progress.say(shown.plain(note))
                progress.count("numbers synced", len(outcomes), len(connections))
        if as_json:
            shown.as_json([outcome.as_json() for outcome in outcomes])
        else:
            shown.table(SYNCED, [outcome.line() for outcome in outcomes if outcome.counts is not None])
        return max((outcome.status for outcome in outcomes), default=0)

    run(command)


@templates.command("list", help="All that are known, with what each leaves to be filled in.")
@of_number
@click.option("--status", help="Only those that are APPROVED, PAUSED, REJECTED, DELETED …")
@as_json
def list_templates(number: str | None, status: str | None, as_json: bool) -> None:
    async def command(project: Project) -> int:
        filters = _filters(number) | ({"status": f"eq.{status.upper()}"} if status else {})
        rows = [_with_filling(row) for row in await project.templates.known(filters)]
        if as_json:
            shown.as_json([_as_json(row, found) for row, found in rows])
        else:
            shown.table(LISTED, [[*(row[name] for name in LISTED[:-1]), _in_short(found)] for row, found in rows])
        return 0

    run(command)


@templates.command("show", help="One template: its wording, its variables, and the row that sends it.")
@click.argument("name")
@click.option("--language", help="Only this one of its languages, like he or en_US.")
@of_number
@as_json
def show_template(name: str, language: str | None, number: str | None, as_json: bool) -> None:
    async def command(project: Project) -> int:
        filters = _filters(number) | {"name": f"eq.{name}"} | ({"language": f"eq.{language}"} if language else {})
        rows = [_with_filling(row) for row in await project.templates.known(filters)]
        if not rows:
            wanted = f"{name} in {language}" if language else name
            click.echo(
                f"No template {wanted} is known. `wabase templates sync` asks WhatsApp for new ones, "
                "`wabase templates list` shows those there are.",
                err=True,
            )
            return 1
        if as_json:
            shown.as_json([_as_json(row, found) for row, found in rows])
            return 0
        for place, (row, found) in enumerate(rows):
            click.echo("\n" if place else "", nl=False)
            _show(row, found)
        return 0

    run(command)


def _filters(number: str | None) -> dict[str, str]:
    return {"connection.phone_number_id": f"eq.{number}"} if number else {}


def _with_filling(row: Row) -> tuple[Row, Filling]:
    return row, filling(row["name"], row["language"], row["components"])


def _as_json(row: Row, found: Filling) -> Row:
    return {**row, "variables": [asdict(variable) for variable in found.variables], "content": found.content}


def _in_short(found: Filling) -> str | None:
    """As `header image; body 1, 2`."""
    places: dict[str, list[str]] = {}
    for variable in found.variables:
        places.setdefault(variable.place, []).append(variable.name)
    return "; ".join(f"{place} {', '.join(names)}" for place, names in places.items()) or None


def _show(row: Row, found: Filling) -> None:
    shown.fields(
        {name: row[name] for name in ("number", "name", "language", "status", "category", "quality", "reason")}
    )
    if row["status"] != "APPROVED":
        click.echo(f"It cannot be sent while it is {row['status']}.")
    click.echo()
    shown.table(("part", "wording"), _wording(row["components"], ""))
    click.echo()
    if found.variables:
        shown.table(("variable", "of", "type", "example"), [_variable(variable) for variable in found.variables])
        click.echo()
    content = json.dumps(found.content, ensure_ascii=False, indent=2)
    click.echo("insert into messages (conversation_id, type, content) values ('<conversation id>', 'template',")
    click.echo(f"'{content.replace(chr(39), chr(39) * 2)}');")


def _variable(variable: Variable) -> list[str | None]:
    return [variable.name, variable.place, variable.kind, variable.example]


def _wording(components: Any, within: str) -> list[list[str]]:
    lines = []
    for component in objects(components):
        kind = within + (text(component.get("type")) or "?").lower()
        parts = [word for key in _TOLD if (word := text(component.get(key))) and word != "TEXT"]
        if parts:
            lines.append([kind, " ".join(" ".join(parts).split())])
        for index, button in enumerate(objects(component.get("buttons"))):
            lines += _wording([{**button, "type": f"button {index}", "format": button.get("type")}], within)
        for index, card in enumerate(objects(component.get("cards"))):
            lines += _wording(card.get("components"), f"card {index} ")
    return lines
