"""A stand-in for Supabase Realtime: Postgres Changes, Broadcast and Presence over the Phoenix protocol.

    socket  ─▶ session ─▶ node ─▶ changes    ◀─ feed ◀─ slot   ◀─ pgoutput   (tables of supabase_realtime)
                               ├▶ broadcast  ◀─ feed ◀─ stream ◀─ pgoutput   (realtime.messages)
                               └▶ presence
    each of the three ─▶ delivery ─▶ channel ─▶ socket

Every behaviour copied from the real service (v2.129 to v2.154) is named where it is copied. Not copied: rate
limits, the 24 hours after which a connection with only an `sb_` key ends, and more than one node.
"""

from devstack.realtime.control import build_control
from devstack.realtime.server import build

__all__ = ["build", "build_control"]
