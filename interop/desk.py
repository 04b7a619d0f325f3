"""A machine with a user at it: a way into the emulator, a browser, and programs that wait for the user."""

import json
import sys
from contextlib import ExitStack

from form_browser import FormTab
from interactive import Interactive
from scene import AZURE_CLI
from way import ARM, HERE


class Desk(ExitStack):
    """Use it with `with`. Without a real browser, it has one that only knows forms."""

    def __init__(self, world, way, folder, chromium=None):
        super().__init__()
        self.world, self.people, self.folder = world, world.people, folder
        self.way = world.way(way, "no-account")
        self.chromium = chromium
        self.started = 0

    def __enter__(self):
        environment = self.way.environment
        proxy = environment.get("HTTPS_PROXY")
        if self.chromium:
            self.somebody = self.enter_context(self.chromium.person(proxy))
            self.tab = self.somebody.open()
        else:
            self.tab = self.enter_context(FormTab(environment["REQUESTS_CA_BUNDLE"], proxy))
        return self

    def new_folder(self):
        """A new, empty folder."""
        self.started += 1
        folder = self.folder / f"program-{self.started}"
        folder.mkdir()
        return folder

    def start(self, command, environment=None, **options):
        """Starts a program that may prompt. It ends with this desk."""
        environment = self.way.environment | (environment or {})
        return self.enter_context(Interactive(command, environment, self.new_folder(), **options))

    def library(self, library, flow, client_id=AZURE_CLI, **options):
        """Starts a program that signs a user in with MSAL or azure-identity."""
        job = {
            "library": library,
            "flow": flow,
            "client_id": client_id,
            "authority": self.way.login,
            "tenant": self.people.home,
            "scope": ARM + "/.default",
            "instance_discovery": False if self.way.identity_options else None,
            "options": options,
        }
        return self.start([sys.executable, HERE / "programs" / "person.py"], input=json.dumps(job))

    # --- azcred, as this desk's user

    @property
    def home(self):
        return self.folder / "home"

    def user(self):
        """The environment of a user with a separate home folder and without a keyring."""
        self.home.mkdir(exist_ok=True)
        return {"HOME": str(self.home), "USERPROFILE": str(self.home), "AZCRED_KEYRING": "never"}

    def azcred(self, *arguments):
        """Runs azcred to its end, without a terminal."""
        return self.world.emulator.azcred(*arguments, env=self.way.environment | self.user())

    def login(self, *arguments):
        """Starts `azcred login` at a terminal."""
        command = [self.world.emulator.binary, "login", *arguments]
        return self.start(command, self.user(), terminal=True)
