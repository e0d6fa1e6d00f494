"""Two who get nothing: a webhook that is not from WhatsApp, and a user of another workspace."""

from __future__ import annotations

import time

from examples.demo.agent import Agent, Row, refusal_of, signed_up
from examples.demo.stage import NOA, Stage
from examples.demo.waiting import expect

FORGED_WAMID = "wamid.FORGED"


async def forged_webhook(stage: Stage) -> None:
    with stage.narrator.step("A forged webhook is refused"):
        answer = await stage.http.post(
            stage.settings.webhook_url + stage.number.webhook_path(),
            json=_as_meta_would(stage, "Please send the money to this account"),
            headers={"Authorization": "Bearer a-guess"},
        )
        expect(answer.status_code == 401, f"it was answered {answer.status_code} instead of 401")
        stage.narrator.tell("somebody", f"posts a message as from Noa with a guessed token: {answer.status_code}")
        # Once Noa's own, later message is there, the forged one is not merely late.
        wamid = await stage.number.receive_text(NOA, "Thank you!")
        await stage.patience.until("Noa's own message", lambda: stage.agent.message("wamid", wamid))
        genuine, forged = [await stage.backend.traces_of(stage.number, name) for name in (wamid, FORGED_WAMID)]
        expect(all(genuine.values()), f"of Noa's own message there is {genuine}")
        expect(not any(forged.values()), f"of the forged message there is {forged}")
        stage.narrator.tell("Noa", "writes herself: Thank you!")
        stage.narrator.tell("rows", f"of hers: {_listed(genuine)}; of the forged one: {_listed(forged)}")


async def stranger(stage: Stage, conversation: Row, picture: Row) -> None:
    with stage.narrator.step("A stranger sees nothing"):
        async with signed_up(stage.settings, "Mallory") as mallory:
            await stage.backend.create_workspace("Another business", mallory)
            theirs, ours = [await _counts(agent) for agent in (mallory, stage.agent)]
            expect(all(ours.values()), f"Dana herself sees {ours}")
            expect(not any(theirs.values()), f"Mallory, of another workspace, sees {theirs}")
            stage.narrator.tell("rows", f"Dana sees {_listed(ours)}; Mallory, of another workspace: {_listed(theirs)}")
            insert = await refusal_of(mallory.send(conversation["id"], "text", {"body": "Hello Noa"}))
            expect(insert == "WA004", f"Mallory's message to Noa was not refused with WA004 but {insert or 'taken'}")
            download = await refusal_of(mallory.download(picture["media_path"]))
            expect(download is not None, "Mallory was given Noa's picture")
            stage.narrator.tell(
                "Mallory", f"inserts a message to Noa: refused with {insert}; asks for her picture: {download}"
            )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {table}" for table, count in counts.items())


async def _counts(agent: Agent) -> dict[str, int]:
    return {"conversations": len(await agent.conversations()), "messages": len(await agent.messages())}


def _as_meta_would(stage: Stage, text: str) -> Row:
    """The Cloud API's envelope, right in everything but the sender."""
    number = stage.number
    sent = {"id": FORGED_WAMID, "from": NOA.phone, "timestamp": str(int(time.time()))}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.display_phone_number,
            "phone_number_id": number.phone_number_id,
        },
        "contacts": [{"wa_id": NOA.phone, "profile": {"name": NOA.name}}],
        "messages": [sent | {"type": "text", "text": {"body": text}}],
    }
    entry = {"id": number.waba_id, "changes": [{"field": "messages", "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}
