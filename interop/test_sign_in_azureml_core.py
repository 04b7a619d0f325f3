"""azureml-core's `InteractiveLoginAuthentication`, unmodified: a user signs in with a browser or a device code."""

import json
import os
from contextlib import ExitStack

import pytest

import sign_in_pages as pages
from browser import Browser
from form_browser import FormTab
from interactive import Interactive
from people import Person
from submitter import Submitter, python
from way import HERE, WORKSPACE

# Imports of the SDK take seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("sdk-v1")


class Laptop(ExitStack):
    """A machine on which no one has signed in, with a browser that trusts the emulator. Use it with `with`."""

    def __init__(self, azure, folder, chromium=None):
        super().__init__()
        self.environment = azure.environment("names", "no-account")
        self.folder, self.chromium = folder, chromium
        self.desk = Submitter(azure, folder).with_project("azure-ai-ml")
        user = next(one for one in azure.info["users"] if one["user_principal_name"] == "ada@contoso.com")
        self.ada = Person(user["user_principal_name"], user["password"])
        self.certificate = azure.info["ca_certificate"]

    def __enter__(self):
        proxy = self.environment["HTTPS_PROXY"]
        if self.chromium:
            browser = self.enter_context(Browser(self.chromium, [self.certificate]))
            self.tab = self.enter_context(browser.person(proxy)).open()
        else:
            self.tab = self.enter_context(FormTab(self.environment["REQUESTS_CA_BUNDLE"], proxy))
        return self

    def start(self, *variables):
        """Starts the program, which finds no sign-in of Azure CLI, and requests one in any case."""
        home = str(self.desk.home)
        own = {"HOME": home, "USERPROFILE": home, "DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        own["AZURE_CONFIG_DIR"] = str(self.desk.home / "azure-cli")
        program = HERE / "programs" / "azureml_core.py"
        in_the_project = ("/bin/sh", "-c", 'cd "$0" && exec "$@"', self.desk.folder)
        command = (*in_the_project, python("AZCRED_SDK_V1"), program, "interactive-forced")
        return self.enter_context(
            Interactive(("env", *variables, *command), self.environment | own, self.folder)
        )

    def with_a_browser(self):
        """Starts the program where it finds a browser: it only opens one that it knows by name."""
        known = self.folder / "chromium"
        known.symlink_to(self.folder / "browser")
        path = os.pathsep.join((str(self.folder), self.environment["PATH"]))
        return self.start(f"BROWSER={known.name}", f"PATH={path}")


@pytest.fixture
def laptop(azure, tmp_path, request):
    """A laptop with the browser that only knows forms, or with a real one."""
    real = getattr(request, "param", "forms") == "chromium"
    chromium = request.getfixturevalue("chromium_program") if real else None
    with Laptop(azure, tmp_path, chromium) as made:
        yield made


def found(program):
    assert program.ends() == 0, program.both()
    return json.loads(program.stdout.splitlines()[-1])


ADA = {"workspace": WORKSPACE, "oid": "e0000001-0000-4000-8000-000000000001"}


@pytest.mark.parametrize("laptop", ["forms", "chromium"], indirect=True)
def test_the_workspace_of_a_config_file_after_a_sign_in_with_a_browser(laptop):
    program = laptop.with_a_browser()
    laptop.tab.go(program.address())
    pages.sign_in(laptop.tab, laptop.ada)
    laptop.tab.sees("You have logged into Microsoft Azure!")
    assert found(program) == ADA


def test_the_workspace_of_a_config_file_after_a_sign_in_with_a_device_code(laptop):
    program = laptop.start()
    # The SDK does not know the script that passes addresses on as a browser.
    message = program.says(r"open the page (\S+) and enter the code (\S+) to authenticate")
    pages.enter_code(laptop.tab, *message.groups())
    pages.pick(laptop.tab, laptop.ada)
    pages.enter_password(laptop.tab, laptop.ada.password)
    pages.confirm(laptop.tab)
    assert found(program) == ADA
