"""`wabase`: the commands put together. Exit statuses: docs/wabase.md."""

from __future__ import annotations

import click

from ops.doctor import doctor
from ops.inbound import inbound
from ops.media import media
from ops.outbound import outbound
from ops.verify_command import verify
from store.version import VERSION


@click.group(help="Looks after a Wabase installation. Settings: SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY.")
@click.version_option(VERSION, prog_name="wabase", message="%(prog)s %(version)s")
def main() -> None:
    pass


main.add_command(doctor)
main.add_command(inbound)
main.add_command(media)
main.add_command(outbound)
main.add_command(verify)


if __name__ == "__main__":
    main(prog_name="wabase")
