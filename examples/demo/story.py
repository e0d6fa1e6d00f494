"""The conversation, scene by scene."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter

from examples.demo.agent import Row, refusal_of
from examples.demo.intruders import forged_webhook, stranger
from examples.demo.narrator import clock, from_now, short
from examples.demo.picture import sunset
from examples.demo.stage import NOA, OMER, Stage
from examples.demo.waiting import NotSeen, expect
from examples.demo.whatsapp_number import Customer

HOUR = 3600
ENDED_BADLY = {"failed", "canceled", "expired", "corrupt"}


async def play(stage: Stage) -> None:
    """All of it, in order. Raises NotSeen at the first thing that does not happen."""
    conversation = await a_customer_writes(stage)
    await the_agent_answers(stage, conversation)
    picture = await a_picture_arrives(stage)
    await the_window_has_closed(stage)
    await forged_webhook(stage)
    await stranger(stage, conversation, picture)
    await summary(stage)


async def a_customer_writes(stage: Stage) -> Row:
    with stage.narrator.step("A customer writes"):
        await _says(stage, NOA, "Hi! Is the corner table free tonight?")
        conversation = await _conversation(stage, NOA)
        expect(conversation["unread_count"] == 1, f"unread are {conversation['unread_count']} messages instead of 1")
        _show(stage, conversation)
    return conversation


async def the_agent_answers(stage: Stage, conversation: Row) -> None:
    with stage.narrator.step("The agent answers"):
        await stage.agent.mark_as_read(conversation["id"])
        content = {"body": "It is yours. See you at eight!"}
        stage.narrator.tell("Dana", f"marks it as read and inserts a message: type text, content {json.dumps(content)}")
        message = await _send(stage, conversation, "text", content)
        moments = {name: clock(message[name]) for name in ("sent_at", "delivered_at", "read_at")}
        stage.narrator.table("messages", [{"type": message["type"], "direction": message["direction"]} | moments])
        conversation = await _conversation(stage, NOA)
        expect(conversation["unread_count"] == 0, f"unread are still {conversation['unread_count']} messages")


async def a_picture_arrives(stage: Stage) -> Row:
    with stage.narrator.step("A picture arrives"):
        picture, caption = sunset(), "The view last time 😍"
        stage.narrator.tell("Noa", f"sends a picture of {len(picture):,} bytes: {caption}")
        wamid = await stage.number.receive_picture(NOA, picture, caption)
        message = await _message(stage, wamid)
        message = await _follow(stage, message, "media_status", "stored")
        columns = ("type", "media_mime_type", "media_size", "media_path")
        stage.narrator.table("messages", [{name: short(str(message[name])) for name in columns}])
        copy = await stage.agent.download(message["media_path"])
        sent, received = (hashlib.sha256(file).hexdigest() for file in (picture, copy))
        expect(sent == received, f"the stored file has the SHA-256 {received}, what Noa sent has {sent}")
        stage.narrator.tell("Dana", f"downloads it from Storage: SHA-256 {received[:16]}…, exactly what Noa sent")
    return message


async def the_window_has_closed(stage: Stage) -> None:
    with stage.narrator.step("The 24 hours are over"):
        await _says(stage, OMER, "Can I pick up my order tomorrow?", hours_ago=25)
        conversation = await _conversation(stage, OMER)
        _show(stage, conversation)
        code = await refusal_of(stage.agent.send(conversation["id"], "text", {"body": "It is ready!"}))
        expect(code == "WA001", f"free-form text was not refused with WA001 but {code or 'taken'}")
        stage.narrator.tell(
            "Dana", f"inserts free-form text: refused with {code}; then a template, which always passes"
        )
        words = "Hi {{1}}, your order is ready."
        await stage.number.approve_template("order_ready", words)
        await stage.backend.keep_template(conversation, "order_ready", words)
        body = {"type": "body", "parameters": [{"type": "text", "text": OMER.name}]}
        await _send(stage, conversation, "template", {"name": "order_ready", "components": [body]})


async def summary(stage: Stage) -> None:
    messages = await stage.agent.messages()
    count = Counter(status for message in messages for status in (message["status"], message["media_status"]))
    stage.narrator.summary(
        f"{count['received']} messages received, {count['read']} sent and read, "
        f"{count['stored']} file stored; Realtime rang {stage.doorbell.rings} times"
    )


async def _says(stage: Stage, customer: Customer, text: str, hours_ago: int = 0) -> None:
    """The customer writes, and the message is seen in the inbox."""
    when = f" {hours_ago} hours ago" if hours_ago else ""
    stage.narrator.tell(customer.name, f"writes{when}: {text}")
    wamid = await stage.number.receive_text(customer, text, int(time.time()) - hours_ago * HOUR)
    await _message(stage, wamid)


async def _message(stage: Stage, wamid: str) -> Row:
    return await stage.patience.until("the message in the inbox", lambda: stage.agent.message("wamid", wamid))


async def _conversation(stage: Stage, customer: Customer) -> Row:
    conversation = await stage.agent.conversation_with(customer.phone)
    if conversation is None:
        raise NotSeen(f"there is no conversation with {customer.name}")
    return conversation


def _show(stage: Stage, conversation: Row) -> None:
    shown = conversation | {"window_expires_at": from_now(conversation["window_expires_at"])}
    columns = ("phone", "status", "unread_count", "window_expires_at", "last_message_preview")
    stage.narrator.table("conversations", [{name: shown[name] for name in columns}])


async def _send(stage: Stage, conversation: Row, kind: str, content: Row) -> Row:
    """Sends, and follows the message until WhatsApp says that it was read."""
    message = await stage.agent.send(conversation["id"], kind, content)
    return await _follow(stage, message, "status", "read")


async def _follow(stage: Stage, message: Row, column: str, last: str) -> Row:
    """Tells every status of the message, up to the last one; answers the row as it is then."""
    seen = [message[column]]

    async def look() -> Row | None:
        row = await stage.agent.message("id", message["id"])
        if row is None:
            raise NotSeen("the message has vanished")
        if row[column] != seen[-1]:
            seen.append(row[column])
            grow(row[column])
        expect(row[column] not in ENDED_BADLY, f"it ended as {row[column]}: {row['error'] or row['media_error']}")
        return row if row[column] == last else None

    with stage.narrator.growing(column) as grow:
        grow(seen[0])
        return await stage.patience.until(f"the status {last}", look)
