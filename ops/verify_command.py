"""`wabase verify`: the command around ops/verify.py."""

from __future__ import annotations

from uuid import UUID

import click

from ops import shown
from ops.progress import Progress
from ops.project import Project, as_json, run
from ops.verify import verify as verify_connections


@click.command(help="Rebuilds messages, statuses and statistics from the journal and compares. Changes nothing.")
@click.option("--workspace", type=click.UUID, help="Only this workspace.")
@click.option("--number", help="Only this phone number id.")
@as_json
def verify(workspace: UUID | None, number: str | None, as_json: bool) -> None:
    async def command(project: Project) -> int:
        chosen = {"workspace_id": f"eq.{workspace}"} if workspace else {}
        chosen |= {"phone_number_id": f"eq.{number}"} if number else {}
        connections = await project.events.connections(chosen)
        if chosen and not connections:
            click.echo(
                "There is no such number in that workspace, or no workspace with a number.\n"
                "`wabase numbers` lists them.",
                err=True,
            )
            return 1
        with Progress() as progress:
            verdict = await verify_connections(project.events, project.rpc, connections, progress)
        if as_json:
            shown.as_json(vars(verdict))
        else:
            if verdict.differences:
                names = ("table", "key", "column", "live", "rebuilt")
                shown.table(names, [[row[name] for name in names] for row in verdict.differences])
            click.echo(
                f"{verdict.events} events, {len(connections)} numbers, {verdict.messages} messages, "
                f"{verdict.statuses} reports, {verdict.conversations} conversations: "
                f"{len(verdict.differences)} differences."
            )
        return 1 if verdict.differences else 0

    run(command)
