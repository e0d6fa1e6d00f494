"""Templates of all numbers, as an operator looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from store.errors import answered, json_of

Row = dict[str, Any]

# PostgREST gives 1,000 rows at most.
PAGE = 1000
COLUMNS = (
    "name,language,status,category,quality,reason,provider_template_id,components,"
    "connection:whatsapp_connections!inner(phone_number_id)"
)


class Templates:
    """Reads of `message_templates`. Raises StoreError and nothing else."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def known(self, filters: Mapping[str, str]) -> list[Row]:
        """All that pass PostgREST filters (`{"name": "eq.news"}`), by name and language, each with its `number`."""
        found: list[Row] = []
        query = {"select": COLUMNS, "order": "name,language,id", "limit": str(PAGE), **filters}
        while True:
            call = self._http.get("/rest/v1/message_templates", params={**query, "offset": str(len(found))})
            page: list[Row] = json_of(await answered(call))
            found += [{"number": row.pop("connection")["phone_number_id"], **row} for row in page]
            if len(page) < PAGE:
                return found
