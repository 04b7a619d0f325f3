"""`azcred login` in a real browser, with a user who signs in, declines, goes back, or closes the tab.

And with other sites in the same browser that try to interfere.
"""

import json
import os
import socket
import sys
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

import sign_in_pages as pages
from browser import REBOUND
from desk import Desk
from way import ARM, HERE

DEVICE_LOGIN = "https://microsoft.com/devicelogin"
SIGNED_IN = "You are signed in as {}."


@pytest.fixture
def sit(world, tmp_path, chromium):
    """Makes a desk with a real browser."""
    with ExitStack() as desks:
        yield lambda way="names": desks.enter_context(Desk(world, way, tmp_path, chromium))


@pytest.fixture
def desk(sit):
    return sit()


@pytest.fixture
def nothing_else(tmp_path):
    """A machine without any identity. The tests must not contact its own 169.254.169.254."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        imds = f"http://127.0.0.1:{closed.getsockname()[1]}"
        yield {"AZCRED_IMDS": "never", "AZURE_POD_IDENTITY_AUTHORITY_HOST": imds, "PATH": str(tmp_path)}


def port_of(address):
    """The port on which the program waits for its response."""
    (back,) = parse_qs(urlsplit(address).query)["redirect_uri"]
    assert urlsplit(back).hostname == "localhost"
    return urlsplit(back).port


def token_of(desk):
    """The claims of the token that this user's programs get without a prompt."""
    done = desk.azcred("token", "--output", "json", "--scope", ARM + "/.default")
    assert done.returncode == 0, done.stderr
    return desk.way.claims(json.loads(done.stdout)["accessToken"], ARM)


def accounts(desk):
    done = desk.azcred("account", "list", "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def show(tab, name):
    """Takes screenshots of the page for people: light and dark, on a desktop and on a phone."""
    folder = Path(os.environ["AZCRED_PICTURES"])
    for scheme in ("light", "dark"):
        for width, height in ((1280, 800), (390, 844)):
            tab.looks(width, height, dark=scheme == "dark")
            tab.picture(folder / f"{name}-{scheme}-{width}.png")


@pytest.mark.parametrize("way", ["names", "ports"])
def test_a_user_signs_in_and_then_programs_need_no_prompt(way, sit):
    desk = sit(way)
    ada = desk.people.ada
    program = desk.login("--tenant", desk.people.home)
    desk.tab.go(program.address())
    pages.sign_in(desk.tab, ada)
    desk.tab.sees(SIGNED_IN.format(ada.name))
    assert program.ends() == 0, program.both()
    assert ada.name in program.stdout
    assert desk.people.subscription in program.stdout or "Contoso ML" in program.stdout
    # The code does not stay in the URL.
    assert urlsplit(desk.tab.address).query == ""
    show(desk.tab, "signed-in")
    assert token_of(desk)["upn"] == ada.name
    done = desk.azcred("logout")
    assert done.returncode == 0, done.stderr
    assert desk.azcred("token").returncode == 3


def test_a_second_factor_is_in_the_token(desk):
    program = desk.login("--tenant", desk.people.home)
    desk.tab.go(program.address())
    pages.sign_in(desk.tab, desk.people.katherine, second_factor=True)
    desk.tab.sees(SIGNED_IN.format(desk.people.katherine.name))
    assert program.ends() == 0, program.both()
    assert token_of(desk)["amr"] == ["pwd", "mfa"]


def test_a_wrong_password_can_be_corrected(desk):
    program = desk.login()
    desk.tab.go(program.address())
    desk.tab.sees("Pick an account")
    pages.pick(desk.tab, desk.people.grace)
    pages.enter_password(desk.tab, "not it")
    desk.tab.sees("The password is wrong.")
    pages.enter_password(desk.tab, desk.people.grace.password)
    desk.tab.sees(SIGNED_IN.format(desk.people.grace.name))
    assert program.ends() == 0, program.both()


def test_consent_is_given(desk):
    program = desk.login("--tenant", desk.people.home, "--client-id", desk.people.notebook)
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.katherine)
    pages.enter_password(desk.tab, desk.people.katherine.password)
    pages.enter_number(desk.tab)
    desk.tab.sees("Permissions requested")
    desk.tab.click("Accept")
    desk.tab.sees(SIGNED_IN.format(desk.people.katherine.name))
    assert program.ends() == 0, program.both()
    assert token_of(desk)["appid"] == desk.people.notebook


def test_a_declined_sign_in_is_reported_and_stores_nothing(desk):
    program = desk.login("--tenant", desk.people.home, "--client-id", desk.people.plotter)
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.ada)
    pages.enter_password(desk.tab, desk.people.ada.password)
    desk.tab.sees("Permissions requested")
    desk.tab.click("Cancel")
    desk.tab.sees("You are not signed in")
    desk.tab.sees("AADSTS65004")
    show(desk.tab, "not-signed-in")
    assert program.ends() == 4, program.both()
    assert "AADSTS65004" in program.stderr
    assert accounts(desk)["accounts"] == []


def test_a_closed_tab_can_be_opened_again(desk):
    """The program continues to wait. Its URL works in another tab."""
    program = desk.login()
    address = program.address()
    desk.tab.go(address)
    pages.pick(desk.tab, desk.people.ada)
    desk.tab.sees("Enter password")
    desk.tab.close()
    other = desk.somebody.open(address)
    pages.sign_in(other, desk.people.ada)
    other.sees(SIGNED_IN.format(desk.people.ada.name))
    assert program.ends() == 0, program.both()


def test_ctrl_c_ends_the_wait_for_a_closed_tab(desk):
    program = desk.login()
    address = program.address()
    desk.tab.go(address)
    desk.tab.sees("Pick an account")
    desk.tab.close()
    program.interrupt()
    assert program.ends() == 130, program.both()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port_of(address)}/", timeout=30)
    assert accounts(desk)["accounts"] == []


def test_going_back_changes_nothing(desk):
    """Before the end it leads to another account's sign-in, and after the end nowhere."""
    program = desk.login()
    desk.tab.go(program.address())
    pages.pick(desk.tab, desk.people.ada)
    desk.tab.sees("Enter password")
    desk.tab.back()
    pages.sign_in(desk.tab, desk.people.grace)
    desk.tab.sees(SIGNED_IN.format(desk.people.grace.name))
    assert program.ends() == 0, program.both()
    # The provider's page is loaded again, and sends another response, but the program does not wait any more.
    desk.tab.back()
    desk.tab.sees("localhost refused to connect")
    assert token_of(desk)["upn"] == desk.people.grace.name


def test_a_response_to_another_request_is_rejected(desk):
    program = desk.login()
    address = program.address()
    (state,) = parse_qs(urlsplit(address).query)["state"]
    stranger = desk.somebody.open()
    for parameters in (
        {"code": "somebody-elses", "state": "not" + state},
        {"code": "somebody-elses"},
        {"error": "access_denied", "state": "not" + state},
        {"code": "somebody-elses", "state": state[:-1]},
        [("code", "somebody-elses"), ("state", "wrong"), ("state", state)],
    ):
        stranger.go(f"http://localhost:{port_of(address)}/?{urlencode(parameters)}")
        stranger.sees("This page does not finish a sign-in")
    show(stranger, "turned-away")
    program.says("was rejected")
    desk.tab.go(address)
    pages.sign_in(desk.tab, desk.people.ada)
    desk.tab.sees(SIGNED_IN.format(desk.people.ada.name))
    assert program.ends() == 0, program.both()


def test_a_repeated_response_counts_once(desk):
    """The second response comes while the first is being redeemed. A fault delays the emulator."""
    slow = {
        "service": "login",
        "path": "/token",
        "count": 1,
        "effect": {"kind": "latency", "milliseconds": 5000},
    }
    program = desk.login()
    address = program.address()
    desk.tab.go(address)
    pages.pick(desk.tab, desk.people.ada)
    desk.tab.sees("Enter password")
    desk.world.emulator.admin("POST", "/faults", json=slow)
    pages.enter_password(desk.tab, desk.people.ada.password)
    second = desk.somebody.open(desk.tab.asks_for(f"http://localhost:{port_of(address)}/"))
    second.sees("This sign-in was already used")
    show(second, "already-used")
    desk.tab.sees(SIGNED_IN.format(desk.people.ada.name))
    assert program.ends() == 0, program.both()


# What a page can do with a URL of another origin. Each attempt that fails adds its name.
HOSTILE = """<!doctype html><title>Kittens</title><body><form method="post"><button>Kittens</button></form><script>
const target = new URLSearchParams(location.search).get("target");
const results = [];
const done = (what) => { results.push(what); results.length === 5 && document.body.append(results.sort().join(" ")); };
const add = (tag, loaded, failed) => {
  const element = document.createElement(tag);
  element.onload = () => done(loaded); element.onerror = () => done(failed); element.src = target;
  document.body.append(element);
};
document.forms[0].action = target;
fetch(target).then(() => done("READ"), () => done("fetch"));
fetch(target, { mode: "no-cors", method: "POST", body: "code=x" }).then(() => done("post"), () => done("post"));
add("img", "SHOWN", "img");
add("script", "RUN", "script");
add("iframe", "iframe", "iframe");
</script></body>"""


@contextmanager
def site(html):
    """A site of another origin, on a separate port."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            content = html.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_another_page_can_neither_end_the_sign_in_nor_read_it(sit):
    # Without a proxy, which would handle names that resolve to this machine.
    desk = sit("ports")
    program = desk.login("--tenant", desk.people.home)
    address = program.address()
    (state,) = parse_qs(urlsplit(address).query)["state"]
    # Even if the attacker knew the state.
    for host in ("localhost", "127.0.0.1"):
        target = f"http://{host}:{port_of(address)}/?{urlencode({'code': 'theirs', 'state': state})}"
        with site(HOSTILE) as hostile:
            stranger = desk.somebody.open(f"{hostile}/?{urlencode({'target': target})}")
            stranger.sees("fetch iframe img post script")
            stranger.click("Kittens")
            stranger.sees("This page does not finish a sign-in")
    stranger.go(f"http://{REBOUND}:{port_of(address)}/?{urlencode({'code': 'theirs', 'state': state})}")
    stranger.sees("This page does not finish a sign-in")
    desk.tab.go(address)
    pages.sign_in(desk.tab, desk.people.ada)
    desk.tab.sees(SIGNED_IN.format(desk.people.ada.name))
    assert program.ends() == 0, program.both()


@pytest.mark.parametrize("way", ["names", "ports"])
def test_a_user_signs_in_with_a_device_code(way, sit):
    desk = sit(way)
    program = desk.login("--device-code", "--plain", "--tenant", desk.people.home)
    code = program.says(r"\b[A-Z0-9]{9}\b")[0]
    address = program.says(r"https://\S+/(devicelogin|common/oauth2/deviceauth)")[0]
    pages.enter_code(desk.tab, address, code)
    pages.sign_in(desk.tab, desk.people.ada)
    pages.confirm(desk.tab)
    desk.tab.sees("You can close this window.")
    assert program.ends() == 0, program.both()
    assert token_of(desk)["upn"] == desk.people.ada.name


def test_a_declined_device_code_is_reported(desk):
    program = desk.login("--device-code", "--plain", "--tenant", desk.people.home)
    code = program.says(r"\b[A-Z0-9]{9}\b")[0]
    pages.enter_code(desk.tab, DEVICE_LOGIN, code)
    pages.sign_in(desk.tab, desk.people.ada)
    desk.tab.sees("Are you trying to sign in to")
    desk.tab.click("Cancel")
    desk.tab.sees("You did not sign in")
    assert program.ends() == 4, program.both()
    assert accounts(desk)["accounts"] == []


def test_a_program_at_a_terminal_prompts_the_user_last(desk, nothing_else):
    """Without a sign-in and without other sources, the chain opens the browser at its end. The next run needs no
    prompt.
    """
    command = [desk.world.emulator.binary, "token", "--output", "json", "--scope", ARM + "/.default"]
    program = desk.start(command, desk.user() | nothing_else, terminal=True)
    desk.tab.go(program.address())
    pages.sign_in(desk.tab, desk.people.ada)
    desk.tab.sees(SIGNED_IN.format(desk.people.ada.name))
    assert program.ends() == 0, program.both()
    claims = desk.way.claims(json.loads(program.stdout)["accessToken"], ARM)
    assert claims["upn"] == desk.people.ada.name
    assert token_of(desk)["upn"] == desk.people.ada.name


@pytest.mark.parametrize("preset", ["kedro", "hi-ml"])
def test_a_preset_prompts_like_the_program_with_its_name(preset, desk, nothing_else):
    """Without other sources: kedro-azureml-pipeline opens a browser, hi-ml shows a code."""
    theirs = [sys.executable, HERE / "programs" / "choose.py", preset, "attended"]
    ours = [desk.world.emulator.binary, "token", "--preset", preset, "--output", "json"]
    ours += ["--scope", ARM + "/.default"]
    signed_in = []
    for program in (
        desk.start(theirs, desk.user() | nothing_else, input="{}\n"),
        desk.start(ours, desk.user() | nothing_else, terminal=True),
    ):
        with desk.chromium.person(desk.way.environment["HTTPS_PROXY"]) as somebody:
            tab = somebody.open()
            if preset == "kedro":
                tab.go(program.address())
                pages.sign_in(tab, desk.people.ada)
            else:
                pages.enter_code(tab, DEVICE_LOGIN, program.says(r"(?s)code.*?\b([A-Z0-9]{9})\b")[1])
                pages.sign_in(tab, desk.people.ada)
                pages.confirm(tab)
            assert program.ends() == 0, program.both()
        answer = json.loads(program.stdout)
        claims = answer.get("claims") or desk.way.claims(answer["accessToken"], ARM)
        signed_in.append({name: claims[name] for name in ("aud", "appid", "oid", "tid", "amr", "scp")})
    assert signed_in[0] == signed_in[1]
