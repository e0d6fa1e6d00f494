"""What is said of each attempt to send: by outcome, with ids and codes, never with what was written or to whom."""

from __future__ import annotations

from typing import Any

import structlog

log = structlog.get_logger()

Row = dict[str, Any]


def tell(job: Row, result: Row | None) -> None:
    """`result` as `Outbound.run` gives it; None, a message given back, is nothing to tell."""
    if result is None:
        return
    ids = {"message_id": job["message_id"], "connection_id": job["connection_id"]}
    error = result.get("error", {})
    why = {"code": error.get("code"), "error_class": error.get("class")}
    match result["outcome"]:
        case "done":
            log.debug("outbound.sent", **ids)
        case "retry":
            # Of what has not left the database says when it is tried again.
            wait = {"seconds": round(result["retry_after"])} if "retry_after" in result else {}
            log.info("outbound.postponed", **ids, **why, attempts=job["attempts"], **wait)
        case "throttle":
            log.info("outbound.throttled", **ids, **why, scope=result["scope"], seconds=round(result["retry_after"]))
        case "uncertain":
            log.warning("outbound.uncertain", **ids)
        case "pause":
            log.error("connection.paused", **ids, **why, reason=result["reason"])
        case "suppress":
            log.warning("outbound.suppressed", **ids, **why)
        case _:
            log.warning("outbound.rejected", **ids, **why)
