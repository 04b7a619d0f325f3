"""npm's `oidc-provider` as a process, and a user at its pages."""

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path

WITHIN = 60


class OpenIdProvider:
    """A certified OpenID provider with one public client. Use it with `with`."""

    def __init__(self, folder, modules, **options):
        self.log, self.modules, self.options = Path(folder) / "oidc-provider", modules, options
        self.events = []

    def __enter__(self):
        script = Path(__file__).with_name("oidc_provider.mjs")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                # The folder that contains `node_modules`.
                [shutil.which("node"), script, Path(self.modules).parent, json.dumps(self.options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        listens = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(listens,), daemon=True)
        self.reader.start()
        started = listens.get(timeout=WITHIN)
        assert started, f"it ended before it listened:\n{self.log.read_text(encoding='utf-8')}"
        self.issuer, self.client_id = started["issuer"], started["clientId"]
        self.scope = started["resource"] + "/.default"
        return self

    def _read(self, listens):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "listens":
                listens.put(event)
            else:
                self.events.append(event)
        listens.put(None)

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Ends it. After that, its log is complete."""
        # It ends when its standard input ends.
        self.process.stdin.close()
        try:
            self.process.wait(timeout=WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=WITHIN)
            raise
        finally:
            self.reader.join(timeout=WITHIN)
            self.process.stdout.close()

    def names(self):
        """What it accepted and rejected, by name, in order."""
        return [event["event"] for event in self.events]


def sign_in(tab, login):
    """Signs a user in at the provider's page. It accepts any password."""
    tab.sees("Sign-in")
    tab.fill("Enter any login", login)
    tab.fill("and password", "of no interest")
    tab.click("Sign-in")
    tab.sees("Authorize")


def enter_code(tab, address, code):
    """Enters a device code, and confirms it."""
    tab.go(address)
    tab.fill("Enter code", code)
    tab.click("Continue")
    tab.sees("Confirm Device")
    tab.sees(code)
    tab.click("Continue")
