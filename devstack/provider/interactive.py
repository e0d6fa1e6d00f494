"""Interactive messages: each kind's header, body and action as data."""

from __future__ import annotations

from typing import Any

from devstack.provider.errors import ApiError
from devstack.provider.limits import ADDRESS, media
from devstack.provider.shapes import Check, anything, array, by_key, matching, number, one_of, shape, text

_TYPE = {"type": anything}
_TEXT_HEADER: dict[str, Check] = {"text": shape({**_TYPE, "text": text(60)})}
_MEDIA_HEADER: dict[str, Check] = {
    kind: shape({**_TYPE, kind: media({"filename": text(240)} if kind == "document" else None)})
    for kind in ("image", "video", "document")
}
_ANY_HEADER = by_key("type", _TEXT_HEADER | _MEDIA_HEADER)
_FOOTER = shape({"text": text(60)})


def _body(limit: int) -> Check:
    return shape({"text": text(limit)})


def _message(
    action: Check, *, limit: int = 1024, header: Check | None = _ANY_HEADER, header_required: bool = False
) -> Check:
    """One kind: `header` None means that it has none."""
    required: dict[str, Check] = {**_TYPE, "body": _body(limit), "action": action}
    optional: dict[str, Check] = {"footer": _FOOTER}
    if header:
        (required if header_required else optional)["header"] = header
    return shape(required, optional)


def _named(name: str, parameters: Check | None = None) -> Check:
    """An action that is called by its name."""
    return shape({"name": one_of(name)} | ({"parameters": parameters} if parameters else {}))


_REPLY = shape({"type": one_of("reply"), "reply": shape({"id": text(256), "title": text(20)})})
_QUICK_REPLY = shape({"type": one_of("quick_reply"), "quick_reply": shape({"id": text(256), "title": text(20)})})
_ROW = shape({"id": text(200), "title": text(24)}, {"description": text(72)})
_SECTION = shape({"rows": array(_ROW, 1, 10)}, {"title": text(24)})
_PRODUCTS = array(shape({"product_retailer_id": text(1000)}), 1, 30)
_URL_PARAMETERS = shape({"display_text": text(20), "url": ADDRESS})
_CARD_ACTION = shape(
    {},
    {
        "name": one_of("cta_url"),
        "parameters": _URL_PARAMETERS,
        "buttons": array(_QUICK_REPLY, 1, 3),
        "product_retailer_id": text(1000),
        "catalog_id": text(100),
    },
)
_CARD = shape(
    {"card_index": number(0, 9), "type": one_of("cta_url", "product"), "action": _CARD_ACTION},
    {
        "header": by_key("type", {kind: _MEDIA_HEADER[kind] for kind in ("image", "video")}),
        "body": _body(160),
    },
)
_FLOW = shape(
    {"flow_message_version": matching("3", "3"), "flow_cta": text(30)},
    {
        "flow_id": text(100),
        "flow_name": text(200),
        "flow_token": text(1000),
        "mode": one_of("draft", "published"),
        "flow_action": one_of("navigate", "data_exchange"),
        "flow_action_payload": anything,
    },
)
_CALL = shape({}, {"display_text": text(20), "ttl_minutes": number(1, 43200), "payload": text(512)})

# Both names of the request for contact details are taken: Meta's page and its clients disagree.
_CONTACT_REQUEST = _message(_named("request_contact_info"), header=None)

KINDS: dict[str, Check] = {
    "button": _message(shape({"buttons": array(_REPLY, 1, 3)})),
    "list": _message(
        shape({"button": text(20), "sections": array(_SECTION, 1, 10)}),
        limit=4096,
        header=by_key("type", _TEXT_HEADER),
    ),
    "cta_url": _message(_named("cta_url", _URL_PARAMETERS)),
    "flow": _message(_named("flow", _FLOW)),
    "product": shape(
        {**_TYPE, "action": shape({"catalog_id": text(100), "product_retailer_id": text(1000)})},
        {"body": _body(1024), "footer": _FOOTER},
    ),
    "product_list": _message(
        shape(
            {
                "catalog_id": text(100),
                "sections": array(shape({"title": text(24), "product_items": _PRODUCTS}), 1, 10),
            }
        ),
        header=by_key("type", _TEXT_HEADER),
        header_required=True,
    ),
    "catalog_message": _message(
        shape(
            {"name": one_of("catalog_message")},
            {"parameters": shape({}, {"thumbnail_product_retailer_id": text(1000)})},
        ),
        header=None,
    ),
    "location_request_message": _message(_named("send_location"), header=None),
    "address_message": _message(
        _named("address_message", shape({"country": text(2)}, {"values": anything})), header=None
    ),
    "voice_call": _message(shape({"name": one_of("voice_call")}, {"parameters": _CALL}), header=None),
    "call_permission_request": _message(_named("call_permission_request"), header=None),
    "carousel": shape({**_TYPE, "body": _body(1024), "action": shape({"cards": array(_CARD, 2, 10)})}),
    "contact_request": _CONTACT_REQUEST,
    "request_contact_info": _CONTACT_REQUEST,
}

_SHAPE = by_key("type", KINDS)


def check_interactive(value: Any, path: str) -> None:
    """The kind's shape, then what spans several fields. Raises ApiError."""
    _SHAPE(value, path)
    if value["type"] == "button":
        _check_distinct([button["reply"]["id"] for button in value["action"]["buttons"]], "Button ids")
        _check_distinct([button["reply"]["title"] for button in value["action"]["buttons"]], "Button titles")
    if value["type"] == "list":
        _check_sections(value["action"]["sections"])
    if value["type"] == "flow" and len({"flow_id", "flow_name"} & value["action"]["parameters"].keys()) != 1:
        raise ApiError(131009, "Exactly one of flow_id and flow_name must be given")


def _check_sections(sections: list[dict[str, Any]]) -> None:
    rows = [row for section in sections for row in section["rows"]]
    if len(rows) > 10:
        raise ApiError(131009, "Total row count exceed max allowed count: 10")
    if len(sections) > 1 and not all("title" in section for section in sections):
        raise ApiError(131009, "Section title is required when there is more than one section")
    _check_distinct([row["id"] for row in rows], "Row ids")


def _check_distinct(values: list[str], what: str) -> None:
    if len(set(values)) != len(values):
        raise ApiError(131009, f"{what} must be unique")
