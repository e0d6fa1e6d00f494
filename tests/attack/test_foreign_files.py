"""Other workspaces' files, and what customers sent to one's own: nobody gets at them, by whatever call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from tests.attack.intruder import LOOT, UPSERT, Person
from tests.conftest import Connect, Project
from tests.flows.stored_files import BYTES, StoredFiles
from tests.flows.tenant import Tenant


@dataclass(frozen=True)
class House:
    """A workspace with a file that a customer sent, one that is to be sent, and an agent."""

    files: StoredFiles
    agent: Person
    message_id: str

    @classmethod
    async def new(cls, database: Connect, project: Project, http: httpx.AsyncClient) -> House:
        files = StoredFiles(project, http, await Tenant.new(database))
        house = cls(files, await Person.new(database, project, http, files.tenant.workspace_id), await files.stored())
        await files.put(house.offer)
        return house

    @property
    def picture(self) -> str:
        return self.files.path_of(self.message_id)

    @property
    def offer(self) -> str:
        return self.outgoing("offer.png")

    def outgoing(self, name: str) -> str:
        return f"{self.files.tenant.workspace_id}/outgoing/{name}"

    async def contents(self) -> list[tuple[object, ...]]:
        """What lies in the workspace's folder, and in which version."""
        rows = await self.files.tenant.rows(
            "select name, version, metadata::text, owner_id, updated_at from storage.objects"
            " where bucket_id = 'whatsapp-media' and starts_with(name, %(workspace)s::text || '/') order by name"
        )
        return [tuple(row.values()) for row in rows]


@pytest.fixture
async def home(database: Connect, project: Project, http: httpx.AsyncClient) -> AsyncIterator[House]:
    """Whatever is tried: everything lies there as it did."""
    house = await House.new(database, project, http)
    before = await house.contents()
    assert len(before) == 2
    yield house
    assert await house.contents() == before


@pytest.fixture
async def away(database: Connect, project: Project, http: httpx.AsyncClient) -> House:
    return await House.new(database, project, http)


def refused(answer: httpx.Response) -> bool:
    """Storage says some of its refusals with 400 and the status in the body."""
    return answer.status_code in (400, 403, 404, 409)


Call = Callable[[Person, str], Awaitable[httpx.Response]]
READS: list[Call] = [Person.get, Person.get_plainly, Person.get_info, Person.sign]
WRITES_OVER: list[Call] = [Person.upsert, Person.replace, Person.begin_over, Person.sign_upload_over]
WRITES: list[Call] = [Person.upload, Person.begin, Person.sign_upload, *WRITES_OVER]


@pytest.mark.parametrize("read", READS)
async def test_a_member_reads_the_workspaces_files_and_a_stranger_does_not(
    home: House, away: House, read: Call
) -> None:
    for name in (home.picture, home.offer):
        assert (await read(home.agent, name)).status_code == 200
        assert refused(await read(away.agent, name))
        assert BYTES not in (await read(away.agent, name)).content


async def test_nobody_reads_publicly_and_a_stranger_sees_no_name(home: House, away: House) -> None:
    assert refused(await home.agent.get_publicly(home.picture))
    folder = home.picture.rpartition("/")[0]
    assert (len(await home.agent.list(folder)), await away.agent.list(folder)) == (1, [])
    workspace = home.files.tenant.workspace_id
    assert (len(await home.agent.list_keys(workspace)), await away.agent.list_keys(workspace)) == (2, [])
    signed = await away.agent.storage(
        "POST", "object/sign/whatsapp-media", {"expiresIn": 60, "paths": [home.picture, away.picture]}
    )
    assert [row["signedURL"] is None for row in signed.json()] == [True, False]


async def test_an_address_that_was_signed_for_one_file_opens_no_other(home: House, away: House) -> None:
    address = (await away.agent.sign(away.picture)).json()["signedURL"]
    assert (await away.agent.storage("GET", address.lstrip("/"))).content == BYTES
    assert refused(await away.agent.storage("GET", address.lstrip("/").replace(away.picture, home.picture)))


async def test_a_stranger_learns_nothing_of_the_message_and_does_not_ask_for_its_file(home: House, away: House) -> None:
    row = f"messages?select=media_url,media_path&id=eq.{home.message_id}"
    assert (len((await home.agent.rest("GET", row)).json()), (await away.agent.rest("GET", row)).json()) == (1, [])
    asked = await away.agent.rest("POST", "rpc/retry_media", {"message_id": home.message_id})
    assert asked.json()["code"] == "WA004"


@pytest.mark.parametrize("write", WRITES)
async def test_a_stranger_uploads_nothing_whatever_the_name(home: House, away: House, write: Call) -> None:
    for name in (home.outgoing("new.png"), home.offer, home.picture, home.picture.replace(".png", ".jpg")):
        assert refused(await write(away.agent, name)), name


async def test_a_stranger_copies_and_moves_nothing_out_or_in(home: House, away: House) -> None:
    for name in (home.picture, home.offer):
        for verb in (Person.copy, Person.move):
            assert refused(await verb(away.agent, name, away.outgoing("loot.png")))
            assert refused(await verb(away.agent, away.offer, name))
            assert refused(await verb(away.agent, away.offer, home.outgoing("trojan.png")))
        assert refused(await away.agent.copy(away.offer, name, **UPSERT))


@pytest.mark.parametrize("write", WRITES_OVER)
async def test_a_member_writes_over_nothing(home: House, write: Call) -> None:
    for name in (home.picture, home.offer):
        assert refused(await write(home.agent, name)), name


@pytest.mark.parametrize("write", [Person.upload, Person.begin, Person.sign_upload])
async def test_a_member_adds_nothing_to_what_customers_sent_and_takes_no_name_that_is_taken(
    home: House, write: Call
) -> None:
    beside = home.picture.replace(".png", ".jpg")
    for name in (home.picture, beside, f"{home.picture}/outgoing/a.png", home.offer):
        assert refused(await write(home.agent, name)), name


@pytest.mark.parametrize("name", ["../{picture}", "./a.png", "a//b.png", "x/../../{picture}", "", "a/", ".."])
async def test_a_name_that_would_lead_elsewhere_as_a_path_is_refused(home: House, name: str) -> None:
    beyond = home.outgoing(name.format(picture=home.picture.partition("/")[2]))
    assert refused(await home.agent.begin(beyond))
    assert refused(await home.agent.copy(home.picture, beyond))


async def test_a_member_uploads_under_any_other_name_and_sends_on_what_came(away: House) -> None:
    for name in ("..a.png", "a..png", ".hidden", "a/b/c.png", "... .png"):
        assert (await away.agent.begin(away.outgoing(name))).status_code == 201, name
    assert (await away.agent.copy(away.picture, away.outgoing("forwarded.png"))).status_code == 200
    assert (await away.agent.get(away.outgoing("forwarded.png"))).content == BYTES


async def test_a_member_copies_moves_and_deletes_nothing_over_what_is_there(home: House) -> None:
    for source, destination in ((home.picture, home.offer), (home.offer, home.picture)):
        for headers in ({}, UPSERT):
            assert refused(await home.agent.copy(source, destination, **headers))
        assert refused(await home.agent.move(source, destination))
        assert refused(await home.agent.move(source, home.outgoing("moved.png")))
    assert await home.agent.delete_many(home.picture, home.offer) == []
    assert refused(await home.agent.delete(home.picture))


async def test_a_stranger_deletes_nothing(home: House, away: House) -> None:
    assert await away.agent.delete_many(home.picture, home.offer) == []
    assert refused(await away.agent.delete(home.picture))


async def test_an_upload_that_was_begun_does_not_end_over_what_came_meanwhile(away: House) -> None:
    name = away.outgoing("later.png")
    begun, signed = await away.agent.begin(name), await away.agent.sign_upload(name)
    assert (begun.status_code, signed.status_code) == (201, 200)
    await away.files.put(name)
    before = await away.contents()
    for headers in ({}, UPSERT):
        assert refused(await away.agent.finish(begun.headers["location"], **headers))
        assert refused(await away.agent.put_signed(name, signed.json()["token"], **headers))
    assert await away.contents() == before


async def test_an_address_to_upload_at_is_for_one_name_and_no_other_member(home: House, away: House) -> None:
    name = away.outgoing("signed.png")
    token = (await away.agent.sign_upload(name)).json()["token"]
    for elsewhere in (home.picture, home.offer, home.outgoing("signed.png"), away.picture):
        assert refused(await away.agent.put_signed(elsewhere, token, **UPSERT))
    begun = (await away.agent.begin(name)).headers["location"]
    assert refused(await home.agent.finish(begun))
    assert (await away.agent.finish(begun)).status_code == 204
    assert (await away.agent.get(name)).content == LOOT


async def test_who_has_left_finishes_nothing_and_reads_nothing(away: House) -> None:
    begun = (await away.agent.begin(away.outgoing("late.png"))).headers["location"]
    await away.files.tenant.rows("delete from workspace_members where workspace_id = %(workspace)s")
    before = await away.contents()
    assert refused(await away.agent.finish(begun))
    assert refused(await away.agent.get(away.picture))
    assert await away.contents() == before


async def test_storages_own_tables_are_not_behind_the_api(home: House) -> None:
    seen = await home.agent.rest("GET", "objects?select=name", accept_profile="storage")
    assert seen.status_code == 406
    for table in ("objects", "media_removals", "messages"):
        answer = await home.agent.rest("DELETE", f"{table}?workspace_id=not.is.null")
        assert answer.status_code in (401, 403, 404), table


async def test_a_row_leads_to_no_file_but_the_workspaces_outgoing_ones(home: House, away: House) -> None:
    """A deleted message takes its files along: nobody may name another's in a row of their own."""
    workspace = away.files.tenant.workspace_id
    thread = await away.files.tenant.conversation()
    named = {"workspace_id": workspace, "conversation_id": thread, "type": "image"}
    for path in (home.offer, home.picture, away.picture, away.outgoing(f"../../{home.offer}")):
        answer = await away.agent.rest("POST", "messages", named | {"content": {"path": path}})
        assert answer.json()["code"] == "WA014", path
    forged = named | {"content": {"path": away.offer}, "media_path": home.picture, "media_status": "stored"}
    assert (await away.agent.rest("POST", "messages", forged)).status_code == 403
    changed = await away.agent.rest("PATCH", f"messages?id=eq.{away.message_id}", {"media_path": home.picture})
    assert changed.status_code == 403
