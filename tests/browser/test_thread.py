"""One conversation in the example inbox: what is shown of every kind of message, and what is sent."""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path
from urllib.parse import urlsplit

from examples.demo.picture import WIDTH, sunset
from tests.browser.conftest import NOA, OMER, Desk, open_first
from tests.browser.page import Page
from tests.conftest import Project
from tests.flows.waiting import until

HOURS_25 = 25 * 3600
KINDS = [
    ({"type": "location", "location": {"latitude": 32.08, "longitude": 34.78, "name": "Dizengoff"}}, "📍 Dizengoff"),
    (
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Dan"}, "phones": [{"phone": "+1"}]}]},
        "👤 Dan\n+1",
    ),
    ({"type": "button", "button": {"text": "Confirm", "payload": "yes"}}, "Confirm"),
    (
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Haifa"}}},
        "Haifa",
    ),
    (
        {
            "type": "order",
            "order": {
                "catalog_id": "1",
                "product_items": [
                    {"product_retailer_id": "mug", "quantity": 2, "item_price": 39.9, "currency": "ILS"},
                ],
            },
        },
        "2 × mug  39.9 ILS",
    ),
    (
        {"type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown"}]},
        "does not pass on: Message type unknown",
    ),
    ({"type": "hologram", "hologram": {"x": 1}}, "Sent a message of type hologram"),
]
WINDOW = "document.querySelector('.window').textContent"
LAST = "[...document.querySelectorAll('.message.outbound')].at(-1)"


async def test_an_answer_is_seen_to_be_sent_delivered_and_read(desk: Desk) -> None:
    await desk.shop.business.behave(statuses=["sent"])
    await desk.says("Hi")
    page = await desk.live()
    await open_first(page)
    await page.type(".composer textarea", "See you at eight")
    await page.press("Enter")
    await page.until(f"{LAST}.dataset.status === 'sent'")
    assert await page.evaluate("document.querySelector('.composer textarea').value") == ""
    for status in ("delivered", "read"):
        await desk.shop.report(status)
        await page.until(f"{LAST}.dataset.status === '{status}'")
    assert await page.evaluate(f"{LAST}.querySelector('.ticks').textContent") == "✓✓"
    assert await desk.shop.sent_texts() == ["See you at eight"]


async def test_a_send_whose_answer_was_lost_is_repeated_and_is_one_message(desk: Desk) -> None:
    await desk.says("Hi")
    page = await desk.live()
    await open_first(page)
    await page.type(".composer textarea", "Only once")
    await page.lose_answer("/rest/v1/messages")
    await page.press("Enter")
    await page.until("document.querySelector('.composer textarea').value === ''")
    await page.until(f"{LAST}.dataset.status === 'read'")
    assert await page.evaluate("document.querySelectorAll('.message.outbound').length") == 1
    assert await desk.shop.sent_texts() == ["Only once"]
    inserts = [event for event in page.requests("POST") if "/rest/v1/messages" in event]
    assert len(inserts) == 2


async def test_what_failed_says_why_and_can_be_sent_again(desk: Desk) -> None:
    await desk.says("Hi")
    await desk.shop.business.fault("messages", {"failed": 131049}, times=1)
    page = await desk.live()
    await open_first(page)
    await page.type(".composer textarea", "An offer")
    await page.press("Enter")
    await page.until(f"{LAST}.dataset.status === 'failed' && {LAST}.querySelector('.trouble').textContent")
    await page.click(".trouble button", "Send again")
    await page.until(f"{LAST}.dataset.status === 'read'")


async def test_a_picture_is_shown_from_a_signed_address(desk: Desk, project: Project) -> None:
    page = await desk.live()
    media = await desk.shop.business.media_from_user(sunset(), "image/png")
    await desk.shop.business.receive({"type": "image", "image": {"id": media["id"], "caption": "The view"}}, NOA)
    await open_first(page)
    await page.until(f"document.querySelector('img.picture')?.naturalWidth === {WIDTH}")
    await page.until_text("The view", ".message.inbound")
    source = urlsplit(await page.evaluate("document.querySelector('img.picture').src"))
    assert source.path.startswith("/storage/v1/object/sign/whatsapp-media/")
    assert f"{source.scheme}://{source.netloc}" == project.url


async def answered_with(desk: Desk, said: str, file: Path, words: str) -> Page:
    """A customer says something and is sent a file, with words typed beside it."""
    await desk.says(said)
    page = await desk.live()
    await open_first(page)
    await page.until("!document.querySelector('.composer textarea').disabled")
    await page.attach(".composer input[type=file]", file)
    await page.until_text(file.name, ".context")
    await page.type(".composer textarea", words)
    await page.press("Enter")
    return page


async def test_a_file_is_attached_sent_and_shown(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "sunset.png").write_bytes(sunset())
    page = await answered_with(desk, "Send me a picture", tmp_path / "sunset.png", "Here")
    await page.until(f"{LAST}.dataset.status === 'read' && {LAST}.querySelector('img').naturalWidth === {WIDTH}")
    (sent,) = await desk.shop.sent()
    assert (sent["body"]["type"], sent["body"]["image"]["caption"]) == ("image", "Here")


async def test_what_is_written_to_a_sound_goes_behind_it(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(b"ID3\x04" + bytes(2000))
    await answered_with(desk, "Sing", tmp_path / "song.mp3", "Do you like it?")
    sound, words = await until(desk.shop.sent, lambda sent: len(sent) == 2)
    assert (sound["body"]["type"], words["body"]["text"]["body"]) == ("audio", "Do you like it?")


async def test_a_file_goes_to_whom_it_was_meant_for_though_another_thread_is_open_by_then(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "sunset.png").write_bytes(sunset())
    await desk.says("From Noa", NOA)
    await desk.says("From Omer", OMER, profile_name="Omer")
    page = await desk.live()
    await page.click(".conversations button", "Noa")
    await page.until_text("From Noa", ".message.inbound")
    await page.attach(".composer input[type=file]", tmp_path / "sunset.png")
    await page.until_text("sunset.png", ".context")
    await page.hold("/storage/v1/object/whatsapp-media")
    await page.press("Enter")
    await page.until("document.querySelector('.composer textarea').disabled")
    await page.click(".conversations button", "Omer")
    await page.until_text("From Omer", ".message.inbound")
    await page.evaluate("release()")
    (sent,) = await until(desk.shop.sent)
    assert (sent["recipient"], sent["body"]["type"]) == (NOA, "image")
    await page.until("!document.querySelector('.composer textarea').disabled")
    assert await page.evaluate("document.querySelectorAll('.message.outbound').length") == 0


async def test_a_closed_window_takes_no_text_and_offers_templates(desk: Desk) -> None:
    await desk.shop.business.control(
        "templates", name="order_ready", language="en", components=[{"type": "BODY", "text": "Hi {{1}}, it is ready."}]
    )
    await desk.shop.tenant.rows(
        "insert into message_templates (workspace_id, connection_id, name, language, status, components) values"
        " (%(workspace)s, %(connection)s, 'order_ready', 'en', 'APPROVED',"
        ' \'[{"type": "BODY", "text": "Hi {{1}}, it is ready."}]\') on conflict do nothing'
    )
    await desk.says("Tomorrow?", timestamp=int(time.time()) - HOURS_25)
    page = await desk.live()
    await open_first(page)
    await page.until_text("only templates may be sent", ".window")
    assert await page.evaluate("document.querySelector('.composer textarea').disabled")
    await page.click(".composer .status button")
    await page.type(".templates input", "Noa")
    await page.until_text("Hi Noa, it is ready.", ".templates .text")
    await page.click(".templates button")
    await page.until_text("Hi Noa, it is ready.", ".message.outbound")
    await page.until(f"{LAST}.dataset.status === 'read'")
    await desk.says("I am here")
    await page.until_text("Open for 23 h 59 min", ".window")
    await page.until("!document.querySelector('.composer textarea').disabled")


async def test_a_window_that_closes_before_ones_eyes_takes_no_more_text(desk: Desk) -> None:
    page = await desk.live()
    # Its seconds run from here: those that opening the page and signing in take are none of them.
    await desk.says("Yesterday", timestamp=int(time.time()) - 24 * 3600 + 8)
    await open_first(page)
    await page.until(f"{WINDOW}.match(/^Open for [1-8] s$/) && !document.querySelector('.composer textarea').disabled")
    await page.type(".composer textarea", "Too late")
    await page.until("document.querySelector('.composer textarea').disabled")
    await page.until_text("only templates may be sent", ".window")
    assert await page.evaluate("document.querySelector('.composer textarea').value") == "Too late"


async def test_replies_and_reactions_find_their_message_both_ways(desk: Desk) -> None:
    question = await desk.says("Tea or coffee?")
    page = await desk.live()
    await open_first(page)
    await page.click(".message.inbound button[aria-label=Reply]")
    await page.type(".composer textarea", "Tea")
    await page.press("Enter")
    await page.until(f"{LAST}?.dataset.status === 'read'")
    await page.until_text("Tea or coffee?", ".message.outbound blockquote")
    await page.evaluate("document.querySelector('.message.inbound details').open = true")
    await page.click(".message.inbound .emojis button", "👍")
    await page.until_text("👍", ".message.inbound .reactions")
    text, reaction = await until(desk.shop.sent, lambda rows: len(rows) == 2)
    assert text["body"]["context"]["message_id"] == reaction["body"]["reaction"]["message_id"] == question
    love = {"type": "reaction", "reaction": {"message_id": text["wamid"], "emoji": "❤️"}}
    await desk.shop.business.receive(love, NOA)
    await page.until_text("❤️", ".message.outbound .reactions")


async def test_text_is_text_whatever_it_looks_like_and_goes_its_own_way(desk: Desk) -> None:
    page = await desk.live()
    await desk.says("<img src=x onerror=\"document.title='owned'\"> https://example.com/a?b=1.")
    await desk.says("שלום, מה שלומך?")
    await open_first(page)
    await page.until_text("<img src=x onerror=", ".message.inbound .text")
    assert await page.evaluate("document.querySelectorAll('.messages img').length") == 0
    assert await page.evaluate("document.querySelector('.text a').href") == "https://example.com/a?b=1"
    await page.until_text("שלום", ".message.inbound")
    directions = "[...document.querySelectorAll('.text')].map((one) => getComputedStyle(one).direction)"
    assert await page.evaluate(directions) == ["ltr", "rtl"]


async def test_sounds_are_played_and_documents_saved_under_their_name(desk: Desk) -> None:
    page = await desk.live()
    sound = await desk.shop.business.media_from_user(tone(), "audio/wav")
    await desk.shop.business.receive({"type": "audio", "audio": {"id": sound["id"], "voice": True}}, NOA)
    await open_first(page)
    await page.until("document.querySelector('audio')?.duration === 1")
    paper = await desk.shop.business.media_from_user(b"%PDF-1.4\n%%EOF\n", "application/pdf")
    document = {"id": paper["id"], "filename": "the menu.pdf"}
    await desk.shop.business.receive({"type": "document", "document": document}, NOA)
    await page.until_text("the menu.pdf", "button.file")
    await page.click("button.file")
    await page.until("document.querySelector('.file')")
    await until(lambda: _asked(page), lambda found: found)


async def test_edited_and_deleted_messages_say_so_and_days_are_kept_apart(desk: Desk) -> None:
    page = await desk.live()
    now = int(time.time())
    wrong = await desk.says("Two days ago", timestamp=now - 2 * HOURS_25)
    await desk.says("Now", timestamp=now)
    await open_first(page)
    await page.until("document.querySelectorAll('.day').length === 2")
    assert await page.evaluate("[...document.querySelectorAll('.day')].at(-1).textContent") == "Today"
    new = {"type": "text", "text": {"body": "Three days ago"}}
    await desk.shop.business.receive({"type": "edit", "edit": {"original_message_id": wrong, "message": new}}, NOA)
    await page.until_text("Three days ago", ".message .text")
    await page.until_text("edited", ".message footer")
    await desk.shop.business.receive({"type": "revoke", "revoke": {"original_message_id": wrong}}, NOA)
    await page.until_text("This message was deleted", ".revoked")
    assert "Three days ago" not in await page.evaluate("document.querySelector('.messages').innerText")


async def test_every_kind_of_message_is_said_in_words(desk: Desk) -> None:
    for message, _ in KINDS:
        await desk.shop.business.receive(message, NOA)
    page = await desk.live()
    await open_first(page)
    for _, shown in KINDS:
        await page.until_text(shown, ".message.inbound .text")


async def test_earlier_messages_are_read_page_by_page_without_a_jump(desk: Desk) -> None:
    now = int(time.time())
    for number in range(60):
        await desk.says(f"number {number}", timestamp=now - 600 + number)
    await desk.shop.tenant.until_messages(lambda rows: len(rows) == 60)
    page = await desk.live()
    await open_first(page)
    count = "document.querySelectorAll('.message').length"
    await page.until(f"{count} === 50")
    await page.click(".more", "Earlier")
    await page.until(f"{count} === 60")
    texts = "[...document.querySelectorAll('.message .text')].map((one) => one.textContent).join()"
    assert await page.evaluate(texts) == ",".join(f"number {number}" for number in range(60))
    await desk.says("the newest")
    await page.until(f"{count} === 61")


async def _asked(page: Page) -> bool:
    """The file was asked for as a download under its name."""
    return any("download=the" in address for address in page.asked())


def tone() -> bytes:
    """A second of silence, as WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 8000)
    return out.getvalue()
