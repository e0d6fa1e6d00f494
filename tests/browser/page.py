"""A tab, as somebody uses it: looks, clicks, types, and waits for what is to be seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.chromium import JSON, Chromium, decoded

# Looks again whenever the page changes or a file of it has come, so a wait ends with what it waited for.
UNTIL = """
new Promise((resolve, reject) => {
  const look = () => {
    let seen
    try { seen = (() => (%(what)s))() } catch { return }
    if (seen) end(() => resolve(seen))
  }
  const events = ['load', 'loadedmetadata', 'focusin', 'resize']
  const end = (then) => {
    changes.disconnect()
    clearTimeout(limit)
    clearInterval(slow)
    for (const event of events) removeEventListener(event, look, true)
    then()
  }
  const changes = new MutationObserver(look)
  const limit = setTimeout(() => end(() => reject(new Error(%(reason)s + document.body.innerText))), %(ms)d)
  for (const event of events) addEventListener(event, look, true)
  const slow = setInterval(look, 250) // for frames, whose changes are not told here
  changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
  look()
})
"""
LOSE_ANSWER = """
(() => {
  const [path, fetched] = [%s, window.fetch]
  window.fetch = async (address, options) => {
    const answer = await fetched(address, options)
    if (options?.method !== 'POST' || !String(address).includes(path)) return answer
    window.fetch = fetched
    throw new TypeError('Failed to fetch')
  }
})()
"""
HOLD = """
(() => {
  const [path, fetched] = [%s, window.fetch]
  const released = new Promise((release) => (window.release = release))
  window.fetch = async (address, options) => {
    if (String(address).includes(path)) await released
    return fetched(address, options)
  }
})()
"""
KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Backspace": 8, "/": 191}


class Page:
    """Expressions are JavaScript; a text is found by what it contains."""

    def __init__(self, browser: Chromium, profile: str, target: str, session: str) -> None:
        self._browser = browser
        self._profile = profile
        self._target = target
        self._session = session

    @classmethod
    async def opened(cls, browser: Chromium, profile: str, url: str) -> Page:
        target = (await browser.call("Target.createTarget", url="about:blank", browserContextId=profile))["targetId"]
        session = (await browser.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = cls(browser, profile, target, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            await page.call(f"{domain}.enable")
        # A tab that is not in front would be throttled.
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await page.size(1280, 800)
        await page.go(url)
        return page

    async def another(self, url: str) -> Page:
        """A second tab of the same person."""
        return await Page.opened(self._browser, self._profile, url)

    async def call(self, method: str, **parameters: Any) -> JSON:
        return await self._browser.call(method, self._session, **parameters)

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.evaluate(
            "new Promise((done) => document.readyState === 'complete' ? done() : (onload = () => done()))"
        )

    async def close(self) -> None:
        await self._browser.call("Target.closeTarget", targetId=self._target)

    async def size(self, width: int, height: int, scale: float = 1) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)

    async def dark(self, wanted: bool) -> None:
        feature = {"name": "prefers-color-scheme", "value": "dark" if wanted else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited if it is a promise. Raises AssertionError with what it threw."""
        told = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"].get("exception", {}).get("description")
        return told["result"].get("value")

    async def until(self, what: str, within: float = 15) -> Any:
        """The value of an expression, as soon as it is true. On failure, what the page shows instead."""
        reason = json.dumps(f"not within {within} s: {what}\nthe page shows:\n")
        return await self.evaluate(UNTIL % {"what": what, "reason": reason, "ms": within * 1000})

    async def until_text(self, text: str, selector: str = "body", within: float = 15) -> None:
        await self.until(f"{_all(selector)}.some((one) => one.innerText.includes({json.dumps(text)}))", within)

    async def click(self, selector: str, text: str = "") -> None:
        """The first that can be seen, once there is one."""
        found = f"{_all(selector)}.find((one) => one.checkVisibility() && one.innerText.includes({json.dumps(text)}))"
        await self.until(f"({found})")
        await self.evaluate(f"({found}).click()")

    async def choose(self, selector: str, value: str) -> None:
        """An option of a <select>."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"[...{element}.options].some((option) => option.value === {json.dumps(value)})")
        event = "new Event('change', { bubbles: true })"
        await self.evaluate(f"{element}.value = {json.dumps(value)}; {element}.dispatchEvent({event})")

    async def type(self, selector: str, text: str) -> None:
        """Into a field, in place of what it holds."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{element}?.checkVisibility() && !{element}.disabled")
        await self.evaluate(f"{element}.focus(); {element}.select()")
        if text:
            await self.call("Input.insertText", text=text)
        else:
            await self.press("Backspace")

    async def press(self, key: str) -> None:
        """A key, wherever the focus is."""
        text = {"Enter": "\r", "/": "/"}.get(key)
        stroke = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **stroke, **({"text": text} if text else {}))
        await self.call("Input.dispatchKeyEvent", type="keyUp", **stroke)

    async def lose_answer(self, path: str) -> None:
        """The next POST to such an address is done, and its answer does not arrive."""
        await self.evaluate(LOSE_ANSWER % json.dumps(path))

    async def hold(self, path: str) -> None:
        """Requests to such an address wait until the page's `release()`."""
        await self.evaluate(HOLD % json.dumps(path))

    async def attach(self, selector: str, *files: Path) -> None:
        """Chosen in a file dialog."""
        found = await self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        names = [str(file) for file in files]
        await self.call("DOM.setFileInputFiles", files=names, objectId=found["result"]["objectId"])

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        return decoded((await self.call("Page.captureScreenshot", format="png"))["data"])

    def asked(self) -> set[str]:
        """Every address that the page has asked for, sockets too."""
        names = {"Network.requestWillBeSent": "request", "Network.webSocketCreated": None}
        addresses = set()
        for event in self._events():
            if event["method"] in names:
                part = names[event["method"]]
                addresses.add(str((event["params"][part] if part else event["params"])["url"]))
        return addresses

    def requests(self, method: str) -> list[str]:
        """The addresses of all requests of this method, in their order."""
        sent = [event for event in self._events() if event["method"] == "Network.requestWillBeSent"]
        requests = [event["params"]["request"] for event in sent]
        return [str(request["url"]) for request in requests if request["method"] == method]

    def _events(self) -> list[JSON]:
        return self._browser.events.get(self._session, [])

    def complaints(self) -> list[str]:
        """What the page has thrown, or Chromium has refused it."""
        found = []
        for event in self._events():
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(event["params"]["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["source"] == "security":
                found.append(event["params"]["entry"]["text"])
        return found


def _all(selector: str) -> str:
    return f"[...document.querySelectorAll({json.dumps(selector)})]"
