"""`make screenshots`: the pictures in docs/images, of the demo and how its customers play on, in a real browser."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.demo.live import inbox
from examples.demo.narrator import Narrator
from examples.demo.settings import Settings
from examples.demo.stage import NOA, YAEL, Stage, set_up
from examples.demo.story import play
from examples.demo.whatsapp_number import Customer
from tests.browser.chromium import chromium, program
from tests.browser.page import Page

IMAGES = Path(__file__).parents[2] / "docs/images"
LIVE = "document.querySelector('.state')?.dataset.state === 'live'"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def main() -> None:
    command = program()
    if command is None:
        sys.exit("no Chromium on this machine: install it (apt-get install chromium), or name one in CHROMIUM")
    narrator = Narrator(sys.stdout, colour=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with set_up(Settings.from_environment(os.environ), narrator, 15) as stage:
            await play(stage)
            await play_on(stage)
            async with inbox(stage) as url, chromium(command, Path(profile)) as browser:
                page = await Page.opened(browser, await browser.profile(), f"{url}/index.html")
                await take(page, url)


async def play_on(stage: Stage) -> None:
    """A reaction, an answer to a message, a file, and a customer who writes from right to left."""
    answers = await stage.agent.messages()
    answer = next(row for row in answers if row["direction"] == "outbound" and row["type"] == "text")
    await write(stage, NOA, type="reaction", reaction={"message_id": answer["wamid"], "emoji": "❤️"})
    await write(stage, NOA, type="text", text={"body": "Two or three of us?"}, context={"id": answer["wamid"]})
    query = {"phone_number_id": stage.number.phone_number_id, "mime_type": "application/pdf"}
    media = (await stage.number.http.post("/_control/media", params=query, content=PDF)).json()
    await write(stage, NOA, type="document", document={"id": media["id"], "filename": "The menu we talked about.pdf"})
    await seen(stage, lambda row: row["type"] == "document" and row["media_status"] == "stored")
    for text in ("שלום! יש לכם מקום לחמישה ב-20:30?", "עדיף ליד החלון 🙂"):
        await write(stage, YAEL, type="text", text={"body": text})
        await seen(stage, lambda row, text=text: row["content"].get("body") == text)


async def seen(stage: Stage, wanted: Callable[[dict[str, Any]], bool]) -> None:
    async def look() -> bool | None:
        return any(map(wanted, await stage.agent.messages())) or None

    await stage.patience.until("what was written", look)


async def write(stage: Stage, customer: Customer, **message: Any) -> None:
    body = {"phone_number_id": stage.number.phone_number_id, "from": customer.phone, "profile_name": customer.name}
    (await stage.number.http.post("/_control/inbound", json=body | {"message": message})).raise_for_status()


async def take(page: Page, url: str) -> None:
    """Signing in, a thread by day, a closed window by night, a phone, and both ends of the line."""
    await page.size(1180, 760, 1.5)
    await page.click(".signin button")
    await page.until(LIVE)
    await page.click(".conversations button", "Noa")
    await page.click(".thread header button", "Contact")
    await page.until("document.querySelector('img.picture')?.naturalWidth")
    await keep(page, "inbox-light")
    await page.dark(True)
    await page.click(".contact button[aria-label=Close]")
    await page.click(".conversations button", "Omer")
    await page.until_text("only templates", ".window")
    await page.until("document.querySelectorAll('.badge').length === 1")
    await page.click(".composer .status button")
    await page.type(".templates input", "Omer")
    await keep(page, "inbox-window-closed")
    await page.size(390, 760, 2)
    await page.click("button.back")
    await page.click(".conversations button", "יעל")
    await page.until_text("עדיף", ".message.inbound")
    await keep(page, "inbox-narrow")
    await page.dark(False)
    await page.size(1400, 760, 1.5)
    await page.go(f"{url}/demo.html")
    frames = "[...document.querySelectorAll('iframe')].map((one) => one.contentDocument)"
    await page.until(f"{frames}.every((one) => one?.querySelector('.conversations button, .phone .message'))")
    await page.evaluate(f"{frames}[0].querySelectorAll('.conversations button')[1].click()")
    await page.until(f"{frames}[0].querySelector('img.picture')?.naturalWidth")
    await keep(page, "demo")


async def keep(page: Page, name: str) -> None:
    """Two frames later: what has just changed is drawn."""
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn())))")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(await page.picture())


asyncio.run(main())
