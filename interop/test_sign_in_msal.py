"""Users sign in to MSAL, azure-identity and Azure CLI, with a browser and with a device code, at the emulator's pages.

Each step runs once in a real browser, and otherwise in the browser for forms: the same pages, but faster.
"""

import json
from contextlib import ExitStack

import pytest

import sign_in_pages as pages
from azure_cli import AzureCli
from desk import Desk
from emulator import codes
from way import ARM

EVERY_WAY = [
    *(("msal", "forms", "names"), ("azure-identity", "forms", "names")),
    *(("msal", "forms", "ports"), ("azure-identity", "forms", "ports")),
    *(("msal", "chromium", "names"), ("azure-identity", "chromium", "ports")),
]


@pytest.fixture
def sit(world, tmp_path, request):
    """Makes a desk, with a browser and a way into the emulator."""
    with ExitStack() as desks:

        def make(browser="forms", way="names"):
            real = request.getfixturevalue("chromium") if browser == "chromium" else None
            return desks.enter_context(Desk(world, way, tmp_path, real))

        yield make


def answered(program):
    """The program's last output."""
    assert program.ends() == 0, program.both()
    return json.loads(program.stdout.splitlines()[-1])


def is_signed_in(desk, program, person, methods=("pwd",), application=None):
    """Checks that the token is that user's, with these proofs, and so is the one that needed no prompt."""
    answer = answered(program)
    assert "token" in answer, answer
    for token in (answer["token"], answer["again"]):
        claims = desk.way.claims(token, ARM)
        assert claims["upn"] == person.name
        assert claims["amr"] == list(methods)
        assert claims["scp"] == "user_impersonation"
        assert application in (None, claims["appid"])
    assert answer["username"] == person.name
    assert answer["home_account_id"] == f"{claims['oid']}.{desk.people.home}"


@pytest.mark.parametrize(("library", "browser", "way"), EVERY_WAY)
def test_a_user_signs_in_with_a_browser(library, browser, way, sit):
    desk = sit(browser, way)
    program = desk.library(library, "browser")
    desk.tab.go(program.address())
    pages.sign_in(desk.tab, desk.people.ada)
    desk.tab.sees("Authentication complete")
    is_signed_in(desk, program, desk.people.ada)


@pytest.mark.parametrize(("library", "browser"), [("msal", "forms"), ("azure-identity", "chromium")])
def test_a_second_factor_is_required_and_can_be_corrected(library, browser, sit):
    desk = sit(browser)
    program = desk.library(library, "browser")
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.katherine)
    pages.enter_password(desk.tab, desk.people.katherine.password)
    desk.tab.fill("Number", "not it")
    desk.tab.click("Verify")
    desk.tab.sees("The number is wrong.")
    pages.enter_number(desk.tab)
    pages.hand_over(desk.tab)
    is_signed_in(desk, program, desk.people.katherine, ["pwd", "mfa"])


@pytest.mark.parametrize(("browser", "who"), [("forms", "ada"), ("chromium", "grace")])
def test_consent_is_requested_once(browser, who, sit):
    """The program is registered in the tenant, and has no consent yet."""
    desk = sit(browser)
    person = getattr(desk.people, who)
    for is_first in (True, False):
        program = desk.library("msal", "browser", desk.people.notebook)
        desk.tab.go(program.address())
        if is_first:
            pages.pick(desk.tab, person)
            pages.enter_password(desk.tab, person.password)
            desk.tab.sees("Permissions requested")
            desk.tab.sees("Access Azure Resource Manager as you")
            desk.tab.click("Accept")
        # The second time, the browser is signed in and the consent is stored.
        pages.hand_over(desk.tab)
        is_signed_in(desk, program, person, application=desk.people.notebook)


@pytest.mark.parametrize(
    ("page", "library", "browser"),
    [
        ("Pick an account", "msal", "forms"),
        ("Enter password", "azure-identity", "forms"),
        ("Permissions requested", "msal", "forms"),
        ("Permissions requested", "azure-identity", "chromium"),
    ],
)
def test_a_cancelled_sign_in_is_rejected(page, library, browser, sit):
    desk = sit(browser)
    program = desk.library(library, "browser", desk.people.plotter)
    desk.tab.go(program.address())
    if page != "Pick an account":
        pages.pick(desk.tab, desk.people.ada)
    if page == "Permissions requested":
        pages.enter_password(desk.tab, desk.people.ada.password)
    desk.tab.sees(page)
    desk.tab.click("Cancel")
    pages.hand_over(desk.tab)
    answer = answered(program)
    assert codes(answer["message"]) == [65004], answer
    if library == "msal":
        assert answer["error"] == "access_denied", answer


def test_a_need_for_admin_consent_is_reported(sit):
    desk = sit()
    program = desk.library("msal", "browser", desk.people.audited)
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.ada)
    pages.enter_password(desk.tab, desk.people.ada.password)
    desk.tab.sees("Need admin approval")
    desk.tab.click("Return to the program without consent")
    pages.hand_over(desk.tab)
    answer = answered(program)
    assert codes(answer["message"]) == [90094], answer


@pytest.mark.parametrize("browser", ["forms", "chromium"])
def test_a_wrong_password_can_be_corrected(browser, sit):
    desk = sit(browser)
    program = desk.library("azure-identity", "browser")
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.ada)
    pages.enter_password(desk.tab, "not it")
    desk.tab.sees("The password is wrong. AADSTS50126")
    pages.enter_password(desk.tab, desk.people.ada.password)
    pages.hand_over(desk.tab)
    is_signed_in(desk, program, desk.people.ada)


@pytest.mark.parametrize("browser", ["forms", "chromium"])
def test_going_back_allows_another_account(browser, sit):
    desk = sit(browser)
    program = desk.library("azure-identity", "browser")
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.ada)
    desk.tab.sees("Enter password")
    desk.tab.back()
    pages.sign_in(desk.tab, desk.people.grace)
    is_signed_in(desk, program, desk.people.grace)


OWN_WORDS = {
    "msal": "User did not complete the flow in time",
    "azure-identity": "Timed out after waiting 2 seconds for the user to authenticate",
}


@pytest.mark.parametrize("library", OWN_WORDS)
def test_a_closed_tab_sends_no_response(library, sit):
    """The program stops after its own timeout, and reports it in its own words."""
    desk = sit("chromium")
    program = desk.library(library, "browser", timeout=2)
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.ada)
    desk.tab.sees("Enter password")
    desk.tab.close()
    answer = answered(program)
    assert answer["message"] == OWN_WORDS[library], answer


def asked_code(program):
    """The URL and the code that the program shows."""
    shown = json.loads(program.says(r"\{.*\}\n", "stdout")[0])
    return shown["address"], shown["code"]


@pytest.mark.parametrize(("library", "browser", "way"), EVERY_WAY)
def test_a_user_signs_in_with_a_device_code(library, browser, way, sit):
    desk = sit(browser, way)
    program = desk.library(library, "device")
    pages.enter_code(desk.tab, *asked_code(program))
    pages.sign_in(desk.tab, desk.people.ada)
    pages.confirm(desk.tab)
    desk.tab.sees("You can close this window.")
    is_signed_in(desk, program, desk.people.ada)


@pytest.mark.parametrize("library", ["msal", "azure-identity"])
def test_a_declined_device_code_is_rejected(library, sit):
    desk = sit()
    program = desk.library(library, "device")
    address, code = asked_code(program)
    pages.enter_code(desk.tab, address, "WRONGCODE")
    desk.tab.sees("This code is wrong or has expired")
    pages.enter_code(desk.tab, address, code.lower())
    pages.sign_in(desk.tab, desk.people.katherine, second_factor=True)
    desk.tab.sees("Are you trying to sign in to")
    desk.tab.click("Cancel")
    desk.tab.sees("You did not sign in")
    answer = answered(program)
    assert "denied" in answer["message"], answer
    if library == "msal":
        assert answer["error"] == "authorization_declined", answer


@pytest.mark.parametrize(
    ("flow", "browser"), [("browser", "chromium"), ("device code", "forms"), ("device code", "chromium")]
)
def test_a_user_signs_in_to_azure_cli(flow, browser, sit):
    """With Azure's real names: Azure CLI accepts only Microsoft's authorities."""
    desk = sit(browser)
    az = AzureCli(desk.folder / "azure", desk.way.environment)
    how = ["--use-device-code"] if flow == "device code" else []
    login = (az.program, "login", "--tenant", desk.people.home, "--output", "json", *how)
    program = desk.start(login, az.variables)
    if flow == "browser":
        desk.tab.go(program.address())
        pages.sign_in(desk.tab, desk.people.ada)
    else:
        said = program.says(r"open the page (\S+) and enter the code (\w+) to authenticate")
        # Not Microsoft's page, which does not know the code.
        assert said[1] == desk.world.emulator.info["login_url"] + "/common/oauth2/deviceauth"
        pages.enter_code(desk.tab, said[1], said[2])
        pages.sign_in(desk.tab, desk.people.ada)
        pages.confirm(desk.tab)
        desk.tab.sees("You can close this window.")
    assert program.ends() == 0, program.both()
    (subscription,) = json.loads(program.stdout)
    assert subscription["user"] == {"name": desk.people.ada.name, "type": "user"}
    assert subscription["id"] == desk.people.subscription
    claims = desk.way.claims(az.token()["accessToken"], "https://management.core.windows.net/")
    assert claims["upn"] == desk.people.ada.name
