"""The example inbox as somebody uses it, in a real browser, against webhook, worker and the simulated WhatsApp."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from tests.browser.conftest import NOA, OMER, PASSWORD, Desk, Person, open_first
from tests.conftest import Project


async def test_a_wrong_password_is_told_and_the_right_one_opens_the_inbox(desk: Desk) -> None:
    page = await desk.visit()
    await page.type("input[name=email]", desk.agent.email)
    await page.type("input[name=password]", "wrong")
    await page.press("Enter")
    await page.until("document.querySelector('[role=alert]').textContent")
    await page.type("input[name=password]", PASSWORD)
    await page.press("Enter")
    await page.until("document.querySelector('.inbox')")
    await page.click("nav button", "Sign out")
    await page.until("document.querySelector('.signin')")


async def test_a_message_appears_live_with_its_badge_and_is_read_when_opened(desk: Desk) -> None:
    page = await desk.live()
    await desk.says("Is the corner table free?")
    await page.until_text("Is the corner table free?", ".preview")
    await page.until_text("1", ".badge")
    await open_first(page)
    await page.until_text("Is the corner table free?", ".message.inbound")
    await page.until("!document.querySelector('.badge')")
    await desk.says("For two?")
    await page.until_text("For two?", ".message.inbound")


async def test_the_conversation_written_to_last_is_on_top(desk: Desk) -> None:
    page = await desk.live()
    now = int(time.time())
    for second, (name, phone) in enumerate((("Omer", OMER), ("Noa", NOA), ("Omer", OMER))):
        await desk.says(f"from {name}", phone, profile_name=name, timestamp=now + second)
        await page.until(f"document.querySelector('.conversations .title')?.textContent === '{name}'")


async def test_who_reloads_stays_signed_in_and_signing_out_ends_it_in_every_tab(desk: Desk) -> None:
    await desk.says("Hi")
    page = await desk.live()
    other = await page.another(desk.url)
    await other.until_text("Hi", ".preview")
    await page.click("nav button", "Sign out")
    await page.until("document.querySelector('.signin')")
    await other.until("document.querySelector('.signin')")
    assert "Noa" not in await other.evaluate("document.body.innerText")


async def test_a_stranger_sees_nothing(desk: Desk, newcomer: Callable[[], Awaitable[Person]]) -> None:
    await desk.says("A secret")
    page = await desk.live()
    await page.until_text("A secret", ".preview")
    stranger = await desk.signed_in(await newcomer())
    await stranger.until_text("You belong to no workspace yet")
    assert "A secret" not in await stranger.evaluate("document.documentElement.outerHTML")
    assert not any("conversation" in address for address in stranger.asked())


async def test_who_is_removed_keeps_nothing_on_the_page(desk: Desk) -> None:
    await desk.says("A secret")
    page = await desk.live()
    await open_first(page)
    await page.until_text("A secret", ".message.inbound")
    await desk.shop.tenant.rows(
        "delete from workspace_members where user_id = %(user)s returning 1", user=desk.agent.id
    )
    await page.click(".conversations button")
    await page.until_text("You belong to no workspace yet")
    assert "A secret" not in await page.evaluate("document.body.innerText")


async def test_what_came_while_the_socket_was_cut_is_there_when_it_is_back(
    desk: Desk, realtime: Callable[..., Awaitable[None]]
) -> None:
    await desk.says("before")
    page = await desk.live()
    await open_first(page)
    await page.until_text("before", ".message.inbound")
    try:
        await realtime(refuse_connections=True, drop_sockets=True)
        await page.until("document.querySelector('.state').dataset.state === 'lost'")
        await desk.says("while nobody listened")
        await desk.shop.tenant.until_messages(lambda rows: len(rows) == 2)
        assert "while nobody listened" not in await page.evaluate("document.body.innerText")
    finally:
        await realtime(reset=True)
    await page.until_text("while nobody listened", ".message.inbound", within=30)
    await page.until("document.querySelector('.state').dataset.state === 'live'", within=30)
    await desk.says("and after")
    await page.until_text("and after", ".message.inbound")


async def test_search_and_filters_show_what_fits(desk: Desk) -> None:
    await desk.says("About the blue cup", NOA, timestamp=int(time.time()) - 60)
    await desk.says("Something else", OMER, profile_name="Omer")
    page = await desk.live()
    titles = "[...document.querySelectorAll('.conversations .title')].map((one) => one.textContent).join()"
    await page.until(f"{titles} === 'Omer,Noa'")
    await page.press("/")
    await page.type("input[type=search]", "blue cup")
    await page.until(f"{titles} === 'Noa'")
    await open_first(page)
    await page.until("!document.querySelector('.badge')")
    await page.type("input[type=search]", "")
    await page.until(f"{titles} === 'Omer,Noa'")
    await page.click(".chip", "Unread")
    await page.until(f"{titles} === 'Omer'")
    await page.click(".chip", "Unread")
    await page.click(".thread header button", "Archive")
    await page.until(f"{titles} === 'Omer'")
    await page.choose("select[aria-label=Status]", "archived")
    await page.until(f"{titles} === 'Noa'")
    await page.click(".thread header button", "Reopen")
    await page.choose("select[aria-label=Status]", "open")
    await page.until(f"{titles} === 'Omer,Noa'")


async def test_the_contact_panel_assigns_names_tags_and_notes(desk: Desk) -> None:
    await desk.says("Hi")
    page = await desk.live()
    await open_first(page)
    await page.click(".thread header button", "Contact")
    await page.choose(".contact select", desk.agent.id)
    await page.until_text("mine", ".mark")
    await page.type(".contact input[placeholder='Add a tag']", "regular")
    await page.press("Enter")
    await page.until_text("regular", ".chips")
    await page.type(".contact textarea", "Likes the corner table")
    await page.click(".contact form button", "Add")
    await page.until_text("Likes the corner table", ".notes")
    await page.type(".contact label input", "Noa Levi")
    await page.press("Enter")
    await page.until_text("Noa Levi", ".conversations .title")


async def test_the_list_is_walked_and_opened_by_keys(desk: Desk) -> None:
    await desk.says("older", OMER, profile_name="Omer", timestamp=int(time.time()) - 60)
    await desk.says("newer", NOA)
    page = await desk.live()
    await page.until("document.querySelectorAll('.conversations button').length === 2")
    await page.evaluate("document.querySelector('.conversations button').focus()")
    await page.press("ArrowDown")
    await page.press("Enter")
    await page.until("document.querySelector('.thread .title').textContent === 'Omer'")
    await page.until("document.activeElement.matches('.composer textarea')")
    await page.press("Escape")
    await page.until("document.activeElement.textContent.includes('Omer')")


async def test_what_was_being_written_waits_with_its_conversation(desk: Desk) -> None:
    await desk.says("older", OMER, profile_name="Omer", timestamp=int(time.time()) - 60)
    await desk.says("newer", NOA)
    page = await desk.live()
    written = "document.querySelector('.composer textarea').value"
    await page.click(".conversations button", "Noa")
    await page.type(".composer textarea", "For Noa")
    await page.click(".conversations button", "Omer")
    assert await page.evaluate(written) == ""
    await page.click(".conversations button", "Noa")
    assert await page.evaluate(written) == "For Noa"


async def test_a_narrow_screen_shows_one_pane_at_a_time(desk: Desk) -> None:
    await desk.says("Hi")
    page = await desk.live()
    await page.size(380, 700)
    shown = "['.list', '.thread'].map((one) => document.querySelector(one).checkVisibility()).join()"
    await page.until(f"{shown} === 'true,false'")
    await open_first(page)
    await page.until(f"{shown} === 'false,true'")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.click("button.back")
    await page.until(f"{shown} === 'true,false'")


async def test_it_is_light_or_dark_as_the_system_is_and_can_be_read(desk: Desk) -> None:
    await desk.says("Hi")
    page = await desk.live()
    brightness = """['backgroundColor', 'color'].map((what) => {
      const [red, green, blue] = getComputedStyle(document.body)[what].match(/[0-9.]+/g)
      return 0.3 * red + 0.6 * green + 0.1 * blue
    })"""
    await page.dark(False)
    paper, ink = await page.evaluate(brightness)
    assert paper - ink > 128
    await page.dark(True)
    paper, ink = await page.evaluate(brightness)
    assert ink - paper > 128


async def test_the_page_asks_nobody_but_its_own_server_and_supabase(desk: Desk, project: Project) -> None:
    await desk.says("Hi")
    page = await desk.live()
    await open_first(page)
    await page.until_text("Hi", ".message.inbound")
    hosts = {urlsplit(address).netloc for address in page.asked() if not address.startswith("data:")}
    assert hosts == {urlsplit(desk.url).netloc, urlsplit(project.url).netloc}


async def test_both_ends_of_the_line_talk_in_the_demo(desk: Desk) -> None:
    phone = await desk.visit()
    await phone.go(f"{desk.url}/phone.html")
    await phone.type(".free input[aria-label=Message]", "Hello from my phone")
    await phone.press("Enter")
    await phone.until_text("Hello from my phone", ".message.outbound")
    page = await desk.live()
    await open_first(page)
    await page.until_text("Hello from my phone", ".message.inbound")
    await page.type(".composer textarea", "Hello from the shop")
    await page.press("Enter")
    await phone.until_text("Hello from the shop", ".message.inbound")
    await phone.click(".message.inbound button[aria-label='React with a heart']")
    await page.until_text("❤️", ".message.outbound .reactions")
