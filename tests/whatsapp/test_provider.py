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

# Other spellings of the right host, and addresses that one reader could take for it and the next one not.
FOREIGN = [
    f"http://127.0.0.1:8000{FILE}",
    "http://169.254.169.254/latest/meta-data/",
    f"http://[::1]{FILE}",
    f"https://[::ffff:127.0.0.1]{FILE}",
    "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
    f"https://[fe80::1%25eth0]{FILE}",
    f"https://[fd00::1]{FILE}",
    f"https://[64:ff9b::10.0.0.1]{FILE}",
    f"https://10.0.0.1{FILE}",
    f"https://0x7f000001{FILE}",
    f"https://2130706433{FILE}",
    f"https://127.1{FILE}",
    f"https://localhost{FILE}",
    f"https://lookaside.fbsbx.com.127.0.0.1.nip.io{FILE}",
    f"https://lookaside.fbsbx.com:443{FILE}",
    f"https://lookaside.fbsbx.com:{FILE}",
    f"https://LOOKASIDE.fbsbx.com{FILE}",
    f"HTTPS://lookaside.fbsbx.com{FILE}",
    f"https://lookaside.fbsbx.com.{FILE}",
    f"https://lookaside.fbsbx.com@127.0.0.1:8000{FILE}",
    f"https://lookaside.fbsbx.com:443@evil.example{FILE}",
    f"https://lookaside.fbsbx.com\\@evil.example{FILE}",
    f"https://evil.example\\@lookaside.fbsbx.com{FILE}",
    f"https:\\\\lookaside.fbsbx.com{FILE}",
    f"https:/lookaside.fbsbx.com{FILE}",
    f"https:///lookaside.fbsbx.com{FILE}",
    f"https://lookaside%2efbsbx.com{FILE}",
    f"https://lookaside.fbsbx.com%00.evil.example{FILE}",
    f"https://look\u0430side.fbsbx.com{FILE}",  # a Cyrillic a
    f"https://lookaside\u3002fbsbx.com{FILE}",  # an ideographic full stop
    f"https://lookaside.fbsbx.\u212aom{FILE}",
    f"https://lookaside.fbsbx.com\u2044evil.example{FILE}",
    "https://lookaside.fbsbx.com",
    "https://lookaside.fbsbx.com?mid=7",
    "https://lookaside.fbsbx.com#/",
    f" https://lookaside.fbsbx.com{FILE}",
    f"https://lookaside.fbsbx.com{FILE}\n",
    f"https://lookaside.fbsbx.com/\r\nHost: evil.example{FILE}",
    f"https://lookaside.fbsbx.com/\t{FILE}",
    f"https://lookaside.fbsbx.com/\x00{FILE}",
    "https://lookaside.fbsbx.com/" + "x" * 5000,
    f"https://graph.example.evil.example{FILE}",
    f"http://graph.example{FILE}",
    f"https://graph.example:8443{FILE}",
]


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
        *FOREIGN,
    ],
)
def test_a_file_offered_anywhere_else_is_refused(provider: Provider, offered: str) -> None:
    with pytest.raises(ForeignHost):
        provider.download_url(offered)


def test_a_refusal_names_the_host_and_no_secret_of_the_address() -> None:
    with pytest.raises(ForeignHost, match=r"offered at evil\.example$"):
        META.download_url(f"https://evil.example{FILE}")
    with pytest.raises(ForeignHost) as refused:
        META.download_url("https://" + "x" * 10_000)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize("path", ["/a%2Fb/?x=%7e&y=a+b&z=;,=", "//twice/", "/?", "/a?b?c", "/@evil.example/", "/"])
def test_path_and_query_stay_byte_for_byte(path: str) -> None:
    assert D360.download_url(f"https://lookaside.fbsbx.com{path}") == f"https://waba-v2.360dialog.io{path}"
    assert META.download_url(f"https://lookaside.fbsbx.com{path}") == f"https://lookaside.fbsbx.com{path}"


def test_a_file_on_360dialogs_own_host_is_not_what_360dialog_documents() -> None:
    with pytest.raises(ForeignHost):
        D360.download_url(f"https://waba-v2.360dialog.io{FILE}")
