"""Files under load: `python -m devstack run -- python -m bench.media [--quick] [part …]`."""

from __future__ import annotations

import sys

from bench import command, report
from bench.parts.media import document, images, latency

PARTS = {
    "document": document.measure,
    "images": images.ours,
    "naive": images.naive,
    "latency": latency.measure,
}

if __name__ == "__main__":
    sys.exit(command.main("bench.media", __doc__, PARTS, report.media_ratios))
