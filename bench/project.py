"""The Supabase project under load: a throwaway stack of devstack's, named by the environment."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Project:
    """Addresses and secrets; and the processes behind them, for their CPU time."""

    url: str
    service_role_key: str
    anon_key: str
    jwt_secret: str
    db_url: str
    webhook_secret: str
    devstack_pid: int
    postgres_pid: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Project:
        """Ends the program where there is no devstack: what is measured here empties tables."""
        try:
            return cls(
                url=environment["SUPABASE_URL"],
                service_role_key=environment["SUPABASE_SERVICE_ROLE_KEY"],
                anon_key=environment["SUPABASE_ANON_KEY"],
                jwt_secret=environment["SUPABASE_JWT_SECRET"],
                db_url=environment["SUPABASE_DB_URL"],
                webhook_secret=environment["WHATSAPP_WEBHOOK_SECRET"],
                devstack_pid=int(environment["DEVSTACK_PID"]),
                postgres_pid=int(environment["DEVSTACK_POSTGRES_PID"]),
            )
        except KeyError as missing:
            sys.exit(
                f"{missing} is not set. The bench empties tables, so it runs on a throwaway stack only: "
                "`make bench`, or `python -m devstack run -- python -m bench.inbound`."
            )

    def token(self, number: str) -> str:
        """What a webhook of this number is registered with."""
        return hmac.new(self.webhook_secret.encode(), number.encode(), hashlib.sha256).hexdigest()
