"""Auth as supabase-js uses it: js/auth.mjs plays one person's story, each test looks at one step of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Project
from tests.devstack.supabase_clients import run_node


@pytest.fixture(scope="module")
async def saw() -> dict[str, Any]:
    return await run_node("auth.mjs")


def test_sign_up_signs_in_and_keeps_the_data(saw: dict[str, Any]) -> None:
    assert saw["sign up"]["session"] is True
    assert saw["sign up"]["nickname"] == "Noa"


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        ("second sign up", 422, "user_already_exists"),
        ("anonymous", 422, "anonymous_provider_disabled"),
        ("wrong password", 400, "invalid_credentials"),
        ("unknown refresh token", 400, "refresh_token_not_found"),
        ("others signed out", 400, "refresh_token_not_found"),
        ("signed out", 400, "refresh_token_not_found"),
        ("admin taken address", 422, "email_exists"),
        ("admin get deleted", 404, "user_not_found"),
        ("not admin", 403, "not_admin"),
    ],
)
def test_refusal_has_its_status_and_code(saw: dict[str, Any], step: str, status: int, code: str) -> None:
    assert saw[step] == {"status": status, "code": code}


def test_weak_password_names_its_reasons(saw: dict[str, Any]) -> None:
    assert saw["weak password"] == {"status": 422, "code": "weak_password", "reasons": ["length"]}


def test_sign_in_and_refresh_are_the_same_person(saw: dict[str, Any]) -> None:
    person = saw["sign up"]["id"]
    assert saw["sign in"]["id"] == saw["get user"]["id"] == person
    assert saw["refresh"] == {"rotated": True, "id": person}


def test_claims_are_those_of_the_project(saw: dict[str, Any], project: Project) -> None:
    claims = saw["claims"]
    assert (claims["iss"], claims["sub"]) == (f"{project.url}/auth/v1", saw["sign up"]["id"])
    assert (claims["role"], claims["aal"]) == ("authenticated", "aal1")


def test_user_updates_their_data(saw: dict[str, Any]) -> None:
    assert saw["update user"] == "Haifa"


def test_token_of_an_ended_session_has_no_user(saw: dict[str, Any]) -> None:
    assert saw["user of an ended session"] == "AuthSessionMissingError"


def test_admin_creates_updates_and_pages(saw: dict[str, Any]) -> None:
    assert saw["admin create"] == {"provider": "email", "providers": ["email"], "plan": "pro"}
    assert saw["admin update"] == "Akko"
    assert saw["admin list"]["users"] == 1
    assert saw["admin list"]["total"] >= 2
    assert saw["admin list"]["next"] == 2
