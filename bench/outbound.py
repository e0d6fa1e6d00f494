"""Outbound under load: `python -m devstack run -- python -m bench.outbound [--quick] [part …]`."""

from __future__ import annotations

import sys

from bench import command, report
from bench.parts.outbound import claim, flat_out, latency, memory, naive, queues

PARTS = {
    "ours": flat_out.ours,
    "two": flat_out.two,
    "few": flat_out.few,
    "naive": naive.measure,
    "queues": queues.measure,
    "latency": latency.measure,
    "claim": claim.measure,
    "memory": memory.measure,
}

if __name__ == "__main__":
    sys.exit(command.main("bench.outbound", __doc__, PARTS, report.outbound_ratios))
