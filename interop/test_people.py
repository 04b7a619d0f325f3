"""MSAL signs users in with a password and then silently, in their home tenant and as guests.

Only with real names: MSAL for Python leaves out the port when it requests an account's realm.
"""

import pytest

from emulator import codes
from way import ARM

GRAPH = "https://graph.microsoft.com"


def sign_in(world, person, tenant="organizations", elsewhere=None, password=None):
    way = world.way("names", "no-account")
    job = {
        "authority": f"{way.login}/{tenant}",
        "elsewhere": f"{way.login}/{elsewhere or world.people.away}",
        "username": person.name,
        "password": password or person.password,
        "scope": ARM + "/.default",
        "other_scope": GRAPH + "/.default",
    }
    return way, way.run("msal_user", job)


def test_a_password_and_then_silent_tokens_for_every_resource_and_tenant(world):
    way, answer = sign_in(world, world.people.ada)
    assert answer.get("failed") == [], answer
    first, again, graph, away, forced = answer["tokens"]
    assert answer["sources"] == ["identity_provider", "cache"] + ["identity_provider"] * 3
    assert first == again != forced
    claims = way.claims(first, ARM)
    assert claims["upn"] == world.people.ada.name
    assert claims["scp"] == "user_impersonation"
    assert claims["xms_cc"] == ["CP1"]
    assert way.claims(graph, GRAPH)["oid"] == claims["oid"]
    guest = way.claims(away, ARM)
    assert guest["tid"] == world.people.away
    assert guest["oid"] != claims["oid"]
    assert answer["account"]["username"] == world.people.ada.name
    assert answer["account"]["home_account_id"] == f"{claims['oid']}.{world.people.home}"
    assert answer["id_token_claims"]["preferred_username"] == world.people.ada.name


def test_an_account_that_is_not_in_a_tenant_is_rejected(world):
    _, answer = sign_in(world, world.people.grace)
    (refusal,) = answer["failed"]
    assert refusal["error_codes"] == [50020]


@pytest.mark.parametrize(("who", "password", "code"), [("ada", "wrong", 50126), ("katherine", None, 50076)])
def test_a_rejection_reaches_the_caller(world, who, password, code):
    _, answer = sign_in(world, getattr(world.people, who), password=password)
    assert codes(answer["message"]) == [code], answer
