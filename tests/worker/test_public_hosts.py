"""Where the pool towards WhatsApp connects to, whatever a name server says, and what it keeps of an answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.whatsapp.scripted import Server, answer, serving
from whatsapp.client import MediaUrl, WhatsAppClient
from whatsapp.errors import NotSent
from whatsapp.provider import META_MEDIA_HOST, provider
from worker.clients import provider_http
from worker.public_hosts import PublicHosts, is_public

OFFERED = MediaUrl(f"{META_MEDIA_HOST}/whatsapp_business/attachments/?mid=7&hash=x", None, None, None)
API = "api.operators-own.example"


class NameServer:
    """In the place of the system's: every name leads to these addresses, at a port of ours."""

    def __init__(self, addresses: list[str], port: int) -> None:
        self.addresses, self._port = addresses, port
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        self.asked.append(host)
        return [_info(address, self._port) for address in self.addresses]


def _info(address: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    where = (address, port, 0, 0) if ":" in address else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def names(monkeypatch: pytest.MonkeyPatch, server: Server, *addresses: str) -> NameServer:
    known = NameServer(list(addresses), urlsplit(server.url).port or 0)
    monkeypatch.setattr(socket, "getaddrinfo", known.getaddrinfo)
    return known


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1", "fe80::1%1", "fd00::1", "ff02::1", "2001:db8::1", "fec0::1", "::127.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2001::1", "255.255.255.255", "2130706433", "127.1", "no address", ""),
    ],
)
def test_an_address_that_is_not_the_internets_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["157.240.0.1", "2a03:2880::1", "::ffff:157.240.0.1", "64:ff9b::157.240.0.1"])
def test_an_address_of_the_internets_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_nobody_is_asked_for_a_file_where_its_host_leads_to_our_own_network(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async with serving(answer(200, "bait")) as stranger, provider_http() as http:
        at = provider("meta", "1065", d360_base_url=f"http://{API}", graph_base_url=f"http://{API}/v25.0")
        known = names(monkeypatch, stranger, address)
        client = WhatsAppClient(http, at, "the key")
        for _ in range(2):
            with pytest.raises(NotSent, match="no public address"):
                async with client.download_media(OFFERED):
                    pass
    # Nor is it remembered: a name server may be right again a moment later.
    assert (stranger.connections, known.asked) == (0, [urlsplit(META_MEDIA_HOST).hostname] * 2)


async def test_a_host_that_the_operator_has_set_may_be_a_private_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answer(200, "the file")) as server, provider_http() as http:
        at = provider("360dialog", "1065", d360_base_url=f"http://{API}", graph_base_url=f"http://{API}/v25.0")
        names(monkeypatch, server, "127.0.0.1")
        async with WhatsAppClient(http, at, "the key").download_media(OFFERED) as file:
            assert b"".join([piece async for piece in file]) == b"the file"
    assert server.connections == 1


async def test_of_several_addresses_those_that_are_public_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answer(200, "")) as server:
        known = names(monkeypatch, server, "10.0.0.1", "157.240.0.1", "::1", "2a03:2880::1")
        found = await PublicHosts().resolve(urlsplit(META_MEDIA_HOST).hostname or "", 443)
    assert [one["host"] for one in found] == ["157.240.0.1", "2a03:2880::1"]
    # Once: what has been looked at is what is connected to.
    assert len(known.asked) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_one_numbers_answer_asks_to_be_kept_does_not_go_out_with_anothers_call(host: str) -> None:
    lookup = answer(200, {"url": OFFERED.url}, "Set-Cookie: session=of-the-first; Path=/")
    async with serving(lookup) as server, provider_http() as http:
        url = server.url.replace("127.0.0.1", host)
        at = provider("360dialog", "1065", d360_base_url=url, graph_base_url=url)
        for key in ("first", "second"):
            client = WhatsAppClient(http, at, key)
            await client.get_media_url("7")
            async with client.download_media(OFFERED) as file:
                assert [piece async for piece in file]
    assert len(server.requests) == 4
    assert not [head for head, _ in server.requests if "cookie" in head.lower()]


@pytest.mark.parametrize("call", ["lookup", "download", "upload", "send"])
async def test_who_cannot_prove_to_be_the_host_gets_no_key(tmp_path: Path, call: str) -> None:
    """Whatever a name server says, whoever answers there has to have the host's certificate."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path))
    listener = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=tls)
    url = f"https://localhost:{listener.sockets[0].getsockname()[1]}"
    async with listener, provider_http() as http:
        client = WhatsAppClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "the key")
        with pytest.raises(NotSent, match="certificate"):
            match call:
                case "lookup":
                    await client.get_media_url("7")
                case "download":
                    async with client.download_media(OFFERED):
                        pass
                case "upload":
                    await client.upload_media(b"%PDF", filename="a.pdf", mime_type="application/pdf")
                case "send":
                    await client.send_text_message("972501234567", "hi")
    assert not b"".join(heard)


def self_signed(folder: Path) -> Path:
    """A key and a certificate for localhost that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "localhost.pem"
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path
