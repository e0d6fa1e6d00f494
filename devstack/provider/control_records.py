"""`/_control`: what the provider has seen, for tests to look at."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from devstack.provider.provider import Provider
from devstack.provider.records import JSON, Record


def _rows(name: str, records: Iterable[Record], request: web.Request) -> JSON:
    """`total` of all that match, and the newest `limit` of them, oldest first. `limit=0` only counts."""
    found = list(records)
    limit = request.query.get("limit", "")
    chosen = found[max(len(found) - int(limit), 0) :] if limit.isdigit() else found
    return {"total": len(found), name: [record.shown() for record in chosen]}


async def sent(provider: Provider, request: web.Request) -> JSON:
    """Accepted messages in the order of acceptance."""
    to = request.query.get("to")
    records = provider.sent.select(
        request.query.get("phone_number_id"), lambda record: to is None or record.recipient == to
    )
    return _rows("sent", records, request)


async def requests(provider: Provider, request: web.Request) -> JSON:
    """Every call to the API, refused ones too."""
    operation = request.query.get("operation")
    records = provider.requests.select(
        request.query.get("phone_number_id"), lambda record: operation in (None, record.operation)
    )
    return _rows("requests", records, request)


async def deliveries(provider: Provider, request: web.Request) -> JSON:
    """Every webhook body with its attempts; by `state` or by `id`."""
    state, wanted = request.query.get("state"), request.query.get("id")
    records = provider.deliveries.records.select(
        request.query.get("phone_number_id"),
        lambda record: state in (None, record.state) and wanted in (None, str(record.id)),
    )
    return _rows("deliveries", records, request)
