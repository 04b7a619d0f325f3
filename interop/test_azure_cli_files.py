"""azcred reads the files of the real `az`, and returns the same token as `az`, without `az` on PATH.

So what azcred returns comes from the files, or from a request like `az`'s.
"""

import json
import subprocess
import time
from pathlib import Path

import jwt
import pytest

from azure_cli import AzureCli

pytestmark = pytest.mark.xdist_group("az")

GRAPH = "https://graph.microsoft.com"
ARM = "https://management.core.windows.net/"
ENDS_WITHIN = 60


def ours(binary, az, *arguments, code=0):
    """`azcred token` on the machine of an `az`: its JSON output, or its error."""
    done = subprocess.run(
        [binary, "token", "--only", "azure-cli", "--output", "json", *arguments],
        # A folder without programs, as a CI runner may have its own Azure CLI.
        env=az.variables | {"PATH": str(az.folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=ENDS_WITHIN,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def claims(token):
    return jwt.decode(token["accessToken"], options={"verify_signature": False})


def lasting(token):
    """The claims that are the same in every token."""
    passing = {"iat", "nbf", "exp", "uti", "aio", "rh"}
    return {name: value for name, value in claims(token).items() if name not in passing}


def same(binary, az, *arguments):
    """Asserts that both return the same token. `az` comes first, as it stores what it gets."""
    theirs = az.token(*arguments)
    mine = ours(binary, az, *(arguments or ("--resource", ARM)))
    assert mine["accessToken"] == theirs["accessToken"]
    assert mine["expires_on"] == pytest.approx(theirs["expires_on"], abs=2)
    return mine


def files(az):
    """The files in the folder of an `az`, without its logs."""
    return {path.name: path.read_bytes() for path in az.folder.iterdir() if path.is_file()}


def age(az, seconds, due=None):
    """Makes the cached access tokens expire that much earlier, and be due for renewal at `due`, or never."""
    path = az.folder / "msal_token_cache.json"
    cache = json.loads(path.read_text(encoding="utf-8"))
    for entry in cache["AccessToken"].values():
        entry["expires_on"] = str(int(entry["expires_on"]) - seconds)
        entry.pop("refresh_on", None)
        if due:
            entry["refresh_on"] = str(int(due))
    path.write_text(json.dumps(cache), encoding="utf-8")


def choose(az, subscription):
    done = az.run("account", "set", "--subscription", subscription)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def person(world, tmp_path):
    """`az` in a new folder, signed in as Ada."""
    az = AzureCli(tmp_path / "person", world.way("names", "no-account").environment)
    az.login_user(world.people.ada)
    choose(az, world.people.subscription)
    return az


def test_a_users_token_is_the_same_byte_for_byte(binary, person, world):
    arm = ("--resource", "https://management.azure.com")
    for arguments in [(), arm, ("--resource", GRAPH), ("--scope", GRAPH + "/.default")]:
        token = same(binary, person, *arguments)
        assert claims(token)["upn"] == world.people.ada.name
    after = files(person)
    ours(binary, person, "--resource", GRAPH)
    ours(binary, person, "--resource", "https://vault.azure.net")
    assert files(person) == after, "azcred writes nothing"


def test_the_default_subscription_decides_the_tenant(binary, person, world):
    people = world.people
    for subscription, tenant in [(people.away_subscription, people.away), (people.subscription, people.home)]:
        choose(person, subscription)
        assert claims(ours(binary, person))["tid"] == claims(person.token())["tid"] == tenant


def test_a_requested_tenant_is_used(binary, person, world):
    token = ours(binary, person, "--tenant", world.people.away)
    assert claims(token)["tid"] == world.people.away


def test_neither_returns_a_token_with_five_minutes_left(binary, person):
    kept = person.token()
    age(person, int(kept["expires_on"] - time.time()) - 360)
    assert ours(binary, person, "--resource", ARM)["accessToken"] == kept["accessToken"]
    assert person.token()["accessToken"] == kept["accessToken"]
    age(person, 120)
    renewed = ours(binary, person, "--resource", ARM)
    assert renewed["accessToken"] != kept["accessToken"]
    theirs = person.token()
    assert theirs["accessToken"] not in (kept["accessToken"], renewed["accessToken"])
    assert lasting(renewed) == lasting(theirs)
    # From now on, both return the token that az has stored.
    assert ours(binary, person, "--resource", ARM)["accessToken"] == theirs["accessToken"]


def test_neither_returns_a_token_that_is_due_for_renewal(binary, person):
    kept = person.token()
    age(person, 0, due=time.time() + 600)
    assert ours(binary, person, "--resource", ARM)["accessToken"] == kept["accessToken"]
    assert person.token()["accessToken"] == kept["accessToken"]
    age(person, 0, due=time.time() - 1)
    renewed = ours(binary, person, "--resource", ARM)["accessToken"]
    assert kept["accessToken"] not in (renewed, person.token()["accessToken"])


def test_an_applications_token_is_the_same_and_renewed_with_its_secret(binary, world, tmp_path):
    application = AzureCli(tmp_path / "application", world.way("names", "no-account").environment)
    application.login_service_principal(world.people.client_id, world.people.secret, world.people.home)
    for arguments in [(), ("--resource", GRAPH), ("--scope", "https://storage.azure.com/.default")]:
        token = same(binary, application, *arguments)
        assert claims(token)["appid"] == world.people.client_id
    kept = application.token()
    age(application, 24 * 3600)
    renewed = ours(binary, application, "--resource", ARM)
    assert renewed["accessToken"] != kept["accessToken"]
    assert claims(renewed)["appid"] == world.people.client_id


def test_no_account_is_signed_in_after_logout(binary, person):
    person.run("logout")
    said = ours(binary, person, code=3)
    assert "no account is signed in to Azure CLI" in said, said
    assert "az login" in said, said


def test_the_laptop_persona_needs_no_az(binary, world):
    for by in ("names", "ports"):
        variables = world.emulator.environment(by, "laptop")
        laptop = AzureCli(Path(variables["AZURE_CONFIG_DIR"]), variables)
        # azcred first, as az itself may write to its folder.
        graph = ours(binary, laptop, "--resource", GRAPH)
        token = same(binary, laptop)
        assert claims(graph)["aud"] == GRAPH
        assert (
            claims(graph)["upn"] == claims(token)["upn"] == laptop.answer("account", "show")["user"]["name"]
        )
