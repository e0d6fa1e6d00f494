"""The routes: 360dialog's and Meta's on one port, and the control interface beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from devstack.provider import business_calls as business
from devstack.provider import control, control_records, media_calls, signup_calls
from devstack.provider.calls import Call, Handler, endpoint
from devstack.provider.control import control as steer
from devstack.provider.media import DOWNLOAD_PATH
from devstack.provider.messages import post_message
from devstack.provider.provider import PROVIDER, Provider

GRAPH = r"/{version:v\d+\.\d+}"
OBJECT = r"{object_id:\d+}"
NUMBER = r"{phone_number_id:\d+}"
WABA = r"{waba_id:\d+}"


async def get_object(call: Call) -> web.StreamResponse:
    """Graph has one namespace of ids: what is no number of the token's is looked up as media."""
    if call.record.operation == "phone_number":
        return await business.get_phone_number(call)
    return await media_calls.look_up(call)


# (method, 360dialog's path, Graph's path, operation, handler); None where a dialect lacks the call.
CALLS: list[tuple[str, str | None, str | None, str, Handler]] = [
    ("POST", "/messages", f"/{NUMBER}/messages", "messages", post_message),
    ("POST", "/media", f"/{NUMBER}/media", "media", media_calls.upload),
    ("GET", "/message_templates", f"/{WABA}/message_templates", "templates", business.list_templates),
    ("POST", "/message_templates", f"/{WABA}/message_templates", "templates", business.create_template),
    ("DELETE", "/message_templates", f"/{WABA}/message_templates", "templates", business.delete_template),
    ("GET", "/v1/configs/webhook", None, "webhook_config", business.get_number_webhook),
    ("POST", "/v1/configs/webhook", None, "webhook_config", business.set_number_webhook),
    ("GET", "/waba_webhook", None, "webhook_config", business.get_waba_webhook),
    ("POST", "/waba_webhook", None, "webhook_config", business.set_waba_webhook),
    ("GET", "/health_status", None, "health", business.get_health),
    ("GET", None, f"/{WABA}/subscribed_apps", "subscribed_apps", business.get_subscribed_apps),
    ("POST", None, f"/{WABA}/subscribed_apps", "subscribed_apps", business.subscribe_app),
    ("DELETE", None, f"/{WABA}/subscribed_apps", "subscribed_apps", business.unsubscribe_app),
    ("GET", None, f"/{WABA}/phone_numbers", "phone_numbers", business.list_phone_numbers),
    ("POST", None, f"/{NUMBER}/register", "register", business.register),
    ("GET", f"/{OBJECT}", None, "media_lookup", media_calls.look_up),
    ("GET", None, f"/{OBJECT}", "media_lookup", get_object),
    ("DELETE", f"/{OBJECT}", f"/{OBJECT}", "media_delete", media_calls.delete),
]

CONTROL = [
    web.get("/_control/health", steer(control.health)),
    web.post("/_control/numbers", steer(control.register_number)),
    web.post("/_control/meta_app", steer(control.register_meta_app)),
    web.post("/_control/inbound", steer(control.post_inbound)),
    web.post("/_control/batch", steer(control.post_batch)),
    web.post("/_control/webhook", steer(control.post_webhook)),
    web.post("/_control/codes", steer(signup_calls.add_code)),
    web.post("/_control/channels", steer(signup_calls.add_channel)),
    web.post("/_control/media", steer(control.add_media)),
    web.post("/_control/templates", steer(control.add_template)),
    web.post("/_control/clock", steer(control.move_clock)),
    web.post("/_control/behaviour", steer(control.change_behaviour)),
    web.post("/_control/webhook_faults", steer(control.change_webhook_faults)),
    web.post("/_control/faults", steer(control.add_faults)),
    web.get("/_control/faults", steer(control.list_faults)),
    web.delete("/_control/faults", steer(control.delete_faults)),
    web.get("/_control/sent", steer(control_records.sent)),
    web.get("/_control/requests", steer(control_records.requests)),
    web.get("/_control/deliveries", steer(control_records.deliveries)),
    web.post("/_control/reset", steer(control.reset)),
]


def build(directory: Path) -> web.Application:
    """The provider as an application. `directory` must exist; media bytes are kept there."""
    app = web.Application(client_max_size=1024 * 1024)
    app[PROVIDER] = Provider(directory)
    app.cleanup_ctx.append(_deliveries)
    app.add_routes(CONTROL)
    for method, path, graph_path, operation, handle in CALLS:
        for route in (path, graph_path and GRAPH + graph_path):
            if route:
                app.router.add_route(method, route, endpoint(operation, handle))
    signup_calls.add_routes(app.router, GRAPH)
    app.router.add_get(DOWNLOAD_PATH, endpoint("download", media_calls.download))
    return app


async def _deliveries(app: web.Application) -> AsyncIterator[None]:
    provider = app[PROVIDER]
    await provider.deliveries.open()
    yield
    provider.statuses.call_off()
    await provider.deliveries.close()
