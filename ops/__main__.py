"""`wabase`: the commands put together. Exit statuses: docs/wabase.md."""

from __future__ import annotations

import click

from ops.connect import connect
from ops.doctor import doctor
from ops.inbound import inbound
from ops.media import media
from ops.migrate import migrate
from ops.outbound import outbound
from ops.rotate import rotate_key, rotate_webhook_secret
from ops.switches import disconnect, numbers, pause, rate, resume
from ops.tail import tail
from ops.templates import templates
from ops.verify_command import verify
from store.version import VERSION


@click.group(help="Looks after a Wabase installation. Settings: SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY.")
@click.version_option(VERSION, prog_name="wabase", message="%(prog)s %(version)s")
def main() -> None:
    pass


main.add_command(connect)
main.add_command(disconnect)
main.add_command(doctor)
main.add_command(inbound)
main.add_command(media)
main.add_command(migrate)
main.add_command(numbers)
main.add_command(outbound)
main.add_command(pause)
main.add_command(rate)
main.add_command(resume)
main.add_command(rotate_key)
main.add_command(rotate_webhook_secret)
main.add_command(tail)
main.add_command(templates)
main.add_command(verify)


if __name__ == "__main__":
    main(prog_name="wabase")
