"""Headless Chromium, controlled through its debugging protocol like a person would use it: by what a page shows.

The protocol (https://chromedevtools.github.io/devtools-protocol/) uses two pipes, with messages that end in NUL. So no
port is open to other users of the machine, and no driver must match the browser.
"""

import base64
import hashlib
import itertools
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# A page of the emulator loads in milliseconds. The first start on a busy machine takes seconds.
WITHIN = 30

# A host name of an attacker, who has made it resolve to this machine (DNS rebinding).
REBOUND = "rebound.example"

# What a person sees and can use. The promise resolves as soon as the page shows it.
LOOK = """
(name, kind, patience) => new Promise((found) => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const said = (text) => (text ?? "").replace(/\\s+/g, " ").trim();
  const words = (element) => [
    said(element.ariaLabel), said(element.innerText), said(element.value), said(element.title),
    ...[...(element.labels ?? [])].map((label) => said(label.innerText)), said(element.placeholder),
  ];
  const kinds = {
    button: 'button, input[type="submit"], input[type="button"], a[href], summary, [role="button"]',
    field: 'input:not([type="hidden"]):not([type="submit"]), textarea, select',
  };
  const find = () => kind === "text"
    ? (said(document.body?.innerText).includes(name) ? document.body : undefined)
    : named((all) => all.includes(name)) ?? named((all) => all.some((one) => one.includes(name)));
  const named = (is) =>
    [...document.querySelectorAll(kinds[kind])].find((e) => shown(e) && !e.disabled && is(words(e)));
  const look = () => {
    const element = find();
    if (!element) return false;
    element.scrollIntoView({ block: "center" });
    const box = element.getBoundingClientRect();
    found({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
    return true;
  };
  if (document.readyState !== "loading" && look()) return;
  const observer = new MutationObserver(() => look() && observer.disconnect());
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  document.addEventListener("DOMContentLoaded", look);
  setTimeout(() => found(null), patience);
})
"""


class BrowserError(Exception):
    """An error of Chromium, or a page that never showed the expected text or control."""


def key_pin(certificate):
    """The hash by which Chromium trusts chains with this certificate's key, and no others."""
    key = x509.load_pem_x509_certificate(Path(certificate).read_bytes()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


class Browser:
    """Chromium with a separate profile. Use it with `with`.

    It resolves only names of this machine, so its pages can't reach the internet.
    """

    def __init__(self, program, trusted=()):
        self.program, self.pins = program, [key_pin(certificate) for certificate in trusted]
        self._numbers = itertools.count(1)
        self._answers, self._sessions = {}, {}
        self._lock = threading.Lock()
        self.ended = False

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="azcred-chromium-", ignore_cleanup_errors=True)
        self.log = open(Path(self.profile.name) / "stderr", "w+b")  # noqa: SIM115
        arguments = [
            *("--headless", "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}/profile"),
            *("--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
            *("--disable-component-update", "--disable-sync", "--no-proxy-server"),
            f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            *([f"--ignore-certificate-errors-spki-list={','.join(self.pins)}"] if self.pins else []),
            # Chromium's sandbox does not start as root, as which containers of CI systems run.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        # Chromium reads from descriptor 3 and writes to 4.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null', self.program, *arguments],
            env=os.environ | {"HOME": self.profile.name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            # A separate process group, so that its children end with it.
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.version = self.command("Browser.getVersion")["product"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                self.command("Browser.close")
            self.process.wait(timeout=WITHIN)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            pass
        finally:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(timeout=WITHIN)
            self.reader.join(timeout=WITHIN)
            self.process.stdin.close()
            self.process.stdout.close()
            self.log.close()
            self.profile.cleanup()

    def _read(self):
        buffer = b""
        while chunk := self.process.stdout.read1(1 << 20):
            *messages, buffer = (buffer + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers.pop(message["id"]).put(message)
                elif tab := self._sessions.get(message.get("sessionId")):
                    tab.happened(message)
        with self._lock:
            self.ended = True
            for waiting in self._answers.values():
                waiting.put({"error": {"message": "Chromium ended"}})

    def command(self, method, session=None, within=WITHIN, **parameters):
        """Sends one command and returns its result."""
        answer = queue.SimpleQueue()
        with self._lock:
            if self.ended:
                raise BrowserError(f"{method}: Chromium ended:\n{self.said()}")
            number = next(self._numbers)
            self._answers[number] = answer
            message = {"id": number, "method": method, "params": parameters}
            message |= {"sessionId": session} if session else {}
            self.process.stdin.write(json.dumps(message).encode() + b"\0")
            self.process.stdin.flush()
        try:
            got = answer.get(timeout=within)
        except queue.Empty:
            raise BrowserError(f"{method}: no answer in {within} s:\n{self.said()}") from None
        if "error" in got:
            raise BrowserError(f"{method}: {got['error']['message']}")
        return got["result"]

    def said(self):
        return Path(self.log.name).read_text(encoding="utf-8", errors="replace")[-4000:]

    def person(self, proxy=None):
        """A person with separate cookies, who uses this proxy."""
        where = {"proxyServer": proxy} if proxy else {}
        return Person(self, self.command("Target.createBrowserContext", **where)["browserContextId"])


class Person:
    """A set of cookies, separate from the others in the same browser. Use it with `with`."""

    def __init__(self, browser, context):
        self.browser, self.context = browser, context

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.browser.ended:
            self.browser.command("Target.disposeBrowserContext", browserContextId=self.context)

    def open(self, address=None):
        """Opens a new tab, with this URL."""
        made = self.browser.command("Target.createTarget", url="about:blank", browserContextId=self.context)
        tab = Tab(self.browser, made["targetId"])
        if address:
            tab.go(address)
        return tab


class Tab:
    """A tab, and what a person does in it."""

    has_scripts = True

    def __init__(self, browser, target):
        self.browser, self.target = browser, target
        attached = browser.command("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.events, self.asked = queue.SimpleQueue(), queue.SimpleQueue()
        browser._sessions[self.session] = self
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.command(domain + ".enable")

    def happened(self, event):
        """Handles an event of this tab."""
        self.events.put(event)
        if event["method"] == "Network.requestWillBeSent":
            self.asked.put(event["params"]["request"]["url"])

    def command(self, method, **parameters):
        return self.browser.command(method, session=self.session, **parameters)

    def go(self, address):
        """Opens a URL. An unreachable server is an error, but an error page of the server is not."""
        went = self.command("Page.navigate", url=address)
        if "errorText" in went:
            raise BrowserError(f"{address}: {went['errorText']}")

    def back(self):
        self._step(-1)

    def forward(self):
        self._step(1)

    def _step(self, by):
        history = self.command("Page.getNavigationHistory")
        wanted = history["currentIndex"] + by
        self._drain()
        self.command("Page.navigateToHistoryEntry", entryId=history["entries"][wanted]["id"])
        while self.events.get(timeout=WITHIN)["method"] != "Page.frameNavigated":
            pass

    def _drain(self):
        """Discards the events that came until now."""
        while not self.events.empty():
            self.events.get()

    def reload(self):
        self.command("Page.reload")

    def close(self):
        self.browser.command("Target.closeTarget", targetId=self.target)

    def run(self, script):
        """The value of an expression in the page. A promise is awaited."""
        done = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise BrowserError(f"{script[:200]}: {done['exceptionDetails']}")
        return done["result"].get("value")

    @property
    def address(self):
        return self.run("location.href")

    @property
    def text(self):
        return self.run("document.body.innerText")

    def _look(self, name, kind, within=WITHIN):
        """The position of something on the page, as soon as it appears."""
        ends = time.monotonic() + within
        while (left := ends - time.monotonic()) > 0:
            self._drain()
            try:
                question = f"({LOOK})({json.dumps(name)}, {json.dumps(kind)}, {int(left * 1000)})"
                if place := self.run(question):
                    return place
            except BrowserError as error:
                # The page was unloaded meanwhile. The next event comes from the new page.
                if not any(words in str(error) for words in ("navigated", "context", "uniqueContextId")):
                    raise
                try:
                    self.events.get(timeout=left)
                except queue.Empty:
                    break
        raise BrowserError(
            f"no {kind} {name!r} within {within} s at {self.address}, which shows:\n{self.text}"
        )

    def sees(self, words, within=WITHIN):
        """Waits until the page shows these words."""
        self._look(words, "text", within)

    def asks_for(self, address):
        """The next complete URL with this beginning that the tab requests, or has requested since it was opened."""
        while not (asked := self.asked.get(timeout=WITHIN)).startswith(address):
            pass
        return asked

    def click(self, name):
        """Clicks a button or a link, by its text, or by a part of its text if no text is equal."""
        self._press(self._look(name, "button"))

    def fill(self, name, content):
        """Types into the field with this label, and replaces its content."""
        self._press(self._look(name, "field"), times=3)
        self.command("Input.insertText", text=content)

    def enter(self):
        """Presses Enter."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self.command("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        self.command("Input.dispatchKeyEvent", type="keyUp", **key)

    def _press(self, place, times=1):
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.command("Input.dispatchMouseEvent", type=kind, button="left", clickCount=count, **place)

    def looks(self, width=1280, height=800, dark=False):
        """Sets the size of the window and the preferred colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, file):
        """A screenshot, as PNG."""
        file = Path(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))
