"""Inbound under load: `python -m devstack run -- python -m bench.inbound [--quick] [part …]`."""

from __future__ import annotations

import sys

from bench import command, report
from bench.load import generator
from bench.parts import big, flat_out, growth, lone, sustained

PARTS = {
    "empty": flat_out.empty,
    "ours": flat_out.ours,
    "naive": flat_out.naive,
    "company": flat_out.company,
    "sustained": sustained.measure,
    "lone": lone.measure,
    "big": big.measure,
    "growth": growth.measure,
}

if __name__ == "__main__":
    sys.exit(command.main("bench.inbound", __doc__, PARTS, report.inbound_ratios, load=generator()))
