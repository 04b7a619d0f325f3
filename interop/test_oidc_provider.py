"""A certified OpenID provider accepts azcred's code flow with PKCE, its device flow and its refresh tokens.

The program is the library's example, which knows only the provider's issuer.
"""

import os
import shutil

import pytest

from emulator import bare_environment
from form_browser import FormTab
from interactive import Interactive
from openid_provider import OpenIdProvider, enter_code, sign_in


@pytest.fixture(scope="module")
def modules():
    modules = os.environ.get("AZCRED_NODE_MODULES")
    if not (modules and shutil.which("node")):
        pytest.skip("NOT RUN: Node.js with npm is not installed")
    return modules


@pytest.fixture
def provider(modules, tmp_path):
    with OpenIdProvider(tmp_path, modules) as started:
        yield started


BOTH = ["forms", "chromium"]


@pytest.fixture
def tab(request):
    """A user's browser: one that knows only forms, or a real one."""
    if request.param == "forms":
        with FormTab() as tab:
            yield tab
    else:
        with request.getfixturevalue("chromium").person() as person:
            yield person.open()


@pytest.fixture
def program(provider, tmp_path, request):
    """Starts the example with the name of a flow."""

    def start(flow, *arguments):
        command = [
            os.environ["AZCRED_SIGN_IN"],
            "--issuer",
            provider.issuer,
            "--client-id",
            provider.client_id,
        ]
        command += ["--scope", provider.scope, "--flow", flow, *arguments]
        started = Interactive(command, bare_environment(tmp_path), tmp_path, terminal=True)
        started.__enter__()
        request.addfinalizer(lambda: started.__exit__(None, None, None))
        return started

    return start


def grants(provider):
    """The requests to the token endpoint with their results, to the end."""
    provider.end()
    return [
        (event["event"], event.get("grant_type")) for event in provider.events if "grant." in event["event"]
    ]


@pytest.mark.parametrize("tab", BOTH, indirect=True)
def test_a_code_with_pkce_and_then_a_refresh_token_are_accepted(provider, program, tab):
    example = program("browser", "--refresh")
    tab.go(example.address())
    sign_in(tab, "ada")
    tab.click("Continue")
    assert example.ends() == 0, example.both()
    assert "ada" in example.stdout
    assert grants(provider) == [("grant.success", "authorization_code"), ("grant.success", "refresh_token")]
    (accepted,) = [event for event in provider.events if event["event"] == "authorization.accepted"]
    assert accepted["code_challenge_method"] == "S256"
    assert accepted["redirect_uri"].startswith("http://localhost:")
    assert "refresh_token.consumed" in provider.names(), "the refresh token was not rotated"


@pytest.mark.parametrize("tab", BOTH, indirect=True)
def test_a_device_code_and_then_a_refresh_token_are_accepted(provider, program, tab):
    example = program("device", "--refresh")
    code = example.says(r"\b[A-Z]{4}-[A-Z]{4}\b")[0]
    address = example.says(r"http://127\.0\.0\.1:\d+/device\b")[0]
    enter_code(tab, address, code)
    sign_in(tab, "grace")
    tab.click("Continue")
    tab.sees("Sign-in Success")
    assert example.ends() == 0, example.both()
    assert "grace" in example.stdout
    device = "urn:ietf:params:oauth:grant-type:device_code"
    *pending, granted, refreshed = grants(provider)
    assert (granted, refreshed) == (("grant.success", device), ("grant.success", "refresh_token"))
    assert set(pending) <= {("grant.error", device)}


@pytest.mark.parametrize(("flow", "tab"), [("browser", "chromium"), ("device", "forms")], indirect=["tab"])
def test_a_cancelled_sign_in_shows_the_providers_message(flow, provider, program, tab):
    example = program(flow)
    if flow == "browser":
        tab.go(example.address())
    else:
        code = example.says(r"\b[A-Z]{4}-[A-Z]{4}\b")[0]
        enter_code(tab, provider.issuer + "/device", code)
    tab.click("[ Cancel ]")
    assert example.ends() != 0, example.both()
    assert "access_denied" in example.stderr
    assert grants(provider) in ([], [("grant.error", "urn:ietf:params:oauth:grant-type:device_code")])
