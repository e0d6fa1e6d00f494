"""The inbox in full tables: `python -m devstack run -- python -m bench.frontends [--quick|--full] [part …]`."""

from __future__ import annotations

import sys

from bench import command, report
from bench.parts.frontends import compared, fanout, growth, naive

# Growth first: what it has filled in the end is what the others look at.
PARTS = {
    "growth": growth.measure,
    "list": compared.lists,
    "thread": compared.threads,
    "stats": compared.stats,
    "search": compared.searches,
    "naive": naive.measure,
    "fanout": fanout.measure,
}

if __name__ == "__main__":
    sys.exit(
        command.main(
            "bench.frontends",
            __doc__,
            PARTS,
            report.no_ratios,
            full="a million conversations with ten messages each instead of a tenth of that",
        )
    )
