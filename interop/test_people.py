"""MSAL signs people in by password and goes on silently, in their own tenant and where they are guests.

By names alone: MSAL for Python leaves the port out when it asks for an account's realm.
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


def test_a_password_and_then_silence_for_every_resource_and_tenant(world):
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


def test_who_is_nobody_in_a_tenant_is_told_so(world):
    _, answer = sign_in(world, world.people.grace)
    (refusal,) = answer["failed"]
    assert refusal["error_codes"] == [50020]


@pytest.mark.parametrize(("who", "password", "code"), [("ada", "wrong", 50126), ("katherine", None, 50076)])
def test_a_refusal_reaches_the_caller(world, who, password, code):
    _, answer = sign_in(world, getattr(world.people, who), password=password)
    assert codes(answer["message"]) == [code], answer
