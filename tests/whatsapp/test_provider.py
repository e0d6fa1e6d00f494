"""Addresses and headers of the two dialects; the credential goes to the provider's hosts and nowhere else."""

from __future__ import annotations

import pytest

from whatsapp.provider import ForeignHost, Provider, provider

D360 = provider(
    "360dialog", "1065", d360_base_url="https://waba-v2.360dialog.io/", graph_base_url="https://graph.example/v25.0"
)
META = provider(
    "meta", "1065", d360_base_url="https://waba-v2.360dialog.io", graph_base_url="https://graph.example/v25.0/"
)
FILE = "/whatsapp_business/attachments/?mid=7&ext=1794132300&hash=ARk5"


def test_360dialog_knows_the_number_by_its_key() -> None:
    assert D360.url("messages") == "https://waba-v2.360dialog.io/messages"
    assert D360.media_url("700") == "https://waba-v2.360dialog.io/700"
    assert D360.headers("key") == {"D360-API-KEY": "key"}


def test_meta_has_the_number_in_its_path() -> None:
    assert META.url("messages") == "https://graph.example/v25.0/1065/messages"
    assert META.media_url("700") == "https://graph.example/v25.0/700"
    assert META.headers("token") == {"Authorization": "Bearer token"}


@pytest.mark.parametrize("provider", [D360, META])
@pytest.mark.parametrize("media_id", ["../v1/configs/webhook", "7?fields=x", "7#x", "7\x00", "//evil.example/7"])
def test_a_media_id_stays_one_segment_of_the_path(provider: Provider, media_id: str) -> None:
    path = provider.media_url(media_id).removeprefix(provider.base_url + "/")
    assert not set(path) & set("/?#\x00")


def test_360dialog_gets_metas_file_from_its_own_host() -> None:
    offered = f"https://lookaside.fbsbx.com{FILE}"
    assert D360.download_url(offered) == f"https://waba-v2.360dialog.io{FILE}"


def test_meta_serves_files_from_its_file_host_and_its_own() -> None:
    for offered in (f"https://lookaside.fbsbx.com{FILE}", f"https://graph.example{FILE}"):
        assert META.download_url(offered) == offered


@pytest.mark.parametrize("provider", [D360, META])
@pytest.mark.parametrize(
    "offered",
    [
        f"http://lookaside.fbsbx.com{FILE}",
        f"https://lookaside.fbsbx.com.evil.example{FILE}",
        f"https://evil.example/lookaside.fbsbx.com{FILE}",
        f"https://lookaside.fbsbx.com@evil.example{FILE}",
        f"https://user@lookaside.fbsbx.com{FILE}",
        f"https://lookaside.fbsbx.com:8443{FILE}",
        f"https://169.254.169.254{FILE}",
        f"//lookaside.fbsbx.com{FILE}",
        FILE,
        "file:///etc/passwd",
        "https://[",
        "",
    ],
)
def test_a_file_offered_anywhere_else_is_refused(provider: Provider, offered: str) -> None:
    with pytest.raises(ForeignHost):
        provider.download_url(offered)


def test_a_file_on_360dialogs_own_host_is_not_what_360dialog_documents() -> None:
    with pytest.raises(ForeignHost):
        D360.download_url(f"https://waba-v2.360dialog.io{FILE}")
