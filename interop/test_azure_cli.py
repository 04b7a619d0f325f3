"""The real `az` signs in to the emulator as a user and as an application, and then uses what it has stored."""

import json
from pathlib import Path

import jwt
import pytest

from azure_cli import AzureCli
from emulator import codes

# A sign-in takes Azure CLI seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("az")

GRAPH = "https://graph.microsoft.com"


def claims(token):
    return jwt.decode(token["accessToken"], options={"verify_signature": False})


def test_a_user_sees_the_subscriptions_of_every_tenant(az, world):
    seen = {one["id"]: one["tenantId"] for one in az.user.answer("account", "list")}
    people = world.people
    assert seen == {people.subscription: people.home, people.away_subscription: people.away}


def test_a_token_is_stored_until_it_expires_and_then_refreshed(az, world):
    at_home = ("--subscription", world.people.subscription)
    first = az.user.token(*at_home)
    assert claims(first)["upn"] == world.people.ada.name
    assert az.user.token(*at_home)["accessToken"] == first["accessToken"]
    # The lifetime of the other tenant's tokens is too short for MSAL to use stored ones.
    away = ("--subscription", world.people.away_subscription)
    one, another = az.user.token(*away), az.user.token(*away)
    assert claims(one)["tid"] == claims(another)["tid"] == world.people.away
    assert one["accessToken"] != another["accessToken"]


def test_one_sign_in_gets_tokens_for_other_resources(az, world):
    token = az.user.token("--resource", GRAPH, "--subscription", world.people.subscription)
    assert claims(token)["aud"] == GRAPH


def test_an_application_gets_its_own_tokens(az, world):
    first = az.service_principal.token()
    assert claims(first)["appid"] == world.people.client_id
    assert claims(first)["idtyp"] == "app"
    assert az.service_principal.token()["accessToken"] == first["accessToken"]


def test_the_laptop_persona_has_a_signed_in_az(world):
    for by in ("names", "ports"):
        variables = world.emulator.environment(by, "laptop")
        folder = Path(variables["AZURE_CONFIG_DIR"])
        laptop = AzureCli(folder, variables)
        assert laptop.answer("account", "show")["user"]["name"] == world.people.ada.name
        # The token from the cache.
        cache = json.loads((folder / "msal_token_cache.json").read_text(encoding="utf-8"))
        token = laptop.token()
        kept = [one["secret"] for one in cache["AccessToken"].values()]
        assert token["accessToken"] in kept
        # A token that is not in the cache comes by the refresh token.
        assert claims(laptop.token("--resource", GRAPH))["aud"] == GRAPH


def test_a_rejected_sign_in_shows_entra_ids_message(world, tmp_path):
    people = world.people
    names = world.way("names", "no-account").environment
    for person, password, code in [
        (people.grace, "wrong", 50126),
        (people.katherine, people.katherine.password, 50076),
    ]:
        fresh = AzureCli(tmp_path / str(code), names)
        done = fresh.run("login", "--username", person.name, "--password", password)
        assert done.returncode != 0
        assert codes(done.stderr) == [code], done.stderr
