"""Stand-in for Supabase Auth (GoTrue): people, passwords, sessions and HS256 access tokens, mounted at
/auth/v1.

Copied from GoTrue 2.19x as hosted projects run it with "Confirm email" off: paths, bodies, claims and error
codes that supabase-py and supabase-js use. Not here: mail, phone, OAuth, MFA, and asymmetric signing keys.
"""

from __future__ import annotations

from aiohttp import web

from devstack.auth import account, admin
from devstack.auth.errors import answer_errors
from devstack.context import CONTEXT, Context

HEALTH = {
    "version": "v2.197.0",
    "name": "GoTrue",
    "description": "GoTrue is a user registration and authentication API",
}
SETTINGS = {
    "external": {"anonymous_users": False, "email": True, "phone": False},
    "disable_signup": False,
    "mailer_autoconfirm": True,
    "phone_autoconfirm": False,
    "sms_provider": "",
    "saml_enabled": False,
}


def build(context: Context) -> web.Application:
    app = web.Application(middlewares=[answer_errors])
    app[CONTEXT] = context
    app.add_routes(
        [
            web.get("/health", _health),
            web.get("/settings", _settings),
            web.get("/.well-known/jwks.json", _key_set),
            web.post("/signup", account.sign_up),
            web.post("/token", account.token),
            web.get("/user", account.get_user),
            web.put("/user", account.update_user),
            web.post("/logout", account.sign_out),
            web.get("/admin/users", admin.for_admins(admin.list_users)),
            web.post("/admin/users", admin.for_admins(admin.create_user)),
            web.get("/admin/users/{user_id}", admin.for_admins(admin.get_user)),
            web.put("/admin/users/{user_id}", admin.for_admins(admin.update_user)),
            web.delete("/admin/users/{user_id}", admin.for_admins(admin.delete_user)),
        ]
    )
    return app


async def _health(_: web.Request) -> web.Response:
    return web.json_response(HEALTH)


async def _settings(_: web.Request) -> web.Response:
    return web.json_response(SETTINGS)


async def _key_set(_: web.Request) -> web.Response:
    """No public keys: the tokens are signed with the project's shared secret."""
    return web.json_response({"keys": []})
