"""The hundred lines of docs/frontend.md in a real browser."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from examples.demo.picture import WIDTH, sunset
from tests.browser.chromium import Chromium
from tests.browser.conftest import NOA, OMER, PASSWORD, Desk
from tests.browser.page import Page
from tests.conftest import Project
from tests.frontends import tutorial

HOURS_25 = 25 * 3600


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """The address of a folder, as any web server gives it."""
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/index.html"
    finally:
        await runner.cleanup()


async def test_the_hundred_lines_are_an_inbox(desk: Desk, browser: Chromium, project: Project, tmp_path: Path) -> None:
    tutorial.written_into(tmp_path, project)
    (tmp_path / "menu.pdf").write_bytes(b"%PDF-1.4 a menu")
    words = [{"type": "BODY", "text": "We are here again."}]
    await desk.shop.business.control("templates", name="come_back", language="en", components=words)
    await desk.shop.tenant.rows(
        "insert into message_templates (workspace_id, connection_id, name, language, status)"
        " values (%(workspace)s, %(connection)s, 'come_back', 'en', 'APPROVED') on conflict do nothing"
    )
    async with served(tmp_path) as url:
        page = await Page.opened(browser, await browser.profile(), url)
        await signs_in(page, desk)
        await desk.says("<b>Is the corner table free?</b>")
        await page.click("#list li", "Noa (1) <b>Is the corner")
        await page.until_text("<b>Is the corner table free?</b>", "#thread li")
        await page.until_text("Noa (0)", "#list li")
        await page.type("#composer [name=words]", "For two, at eight")
        await page.press("Enter")
        await page.until_text("👁 For two, at eight", "#thread li")
        media = await desk.shop.business.media_from_user(sunset(), "image/png")
        await desk.shop.business.receive({"type": "image", "image": {"id": media["id"], "caption": "The view"}}, NOA)
        await page.until(f"document.querySelector('#thread img')?.naturalWidth === {WIDTH}")
        await page.attach("#composer [name=file]", tmp_path / "menu.pdf")
        await page.click("#composer button")
        await page.until_text("👁 document", "#thread li")
        await desk.says("An old question", OMER, profile_name="Omer", timestamp=int(time.time()) - HOURS_25)
        await page.click("#list li", "Omer")
        await page.until_text("An old question", "#thread li")
        await page.until("document.querySelector('#composer [name=words]').hidden")
        await page.click("#composer button")
        await page.until_text("👁 template", "#thread li")
        assert page.complaints() == []
        await page.close()


async def signs_in(page: Page, desk: Desk) -> None:
    """Once with a wrong password, which is told."""
    await page.type("#door [name=email]", desk.agent.email)
    await page.type("#door [name=password]", "wrong")
    await page.press("Enter")
    await page.until_text("Invalid login credentials", "#alert")
    await page.type("#door [name=password]", PASSWORD)
    await page.press("Enter")
    await page.until("document.querySelector('#door').hidden")
