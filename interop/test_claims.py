"""Tokens are what a web API expects: PyJWT accepts them with the published keys, and rejects changed ones."""

import base64
import json

import jwt
import pytest

from way import ARM, Job


def a_token(way, apps, scope=ARM + "/.default"):
    job = Job("secret", apps.demo.ids(way) | {"client_secret": apps.demo.secret}, scope=scope)
    return way.identity("identity", job)["token"]


def verified(way, token, audience, issuer):
    question = {
        "configuration": way.configuration(),
        "token": token,
        "audience": audience,
        "issuer": issuer,
    }
    return way.run("verify", question)


def test_a_token_for_resource_manager_is_a_v1_token(way, apps):
    issuer = f"https://sts.windows.net/{way.tenant}/"
    answer = verified(way, a_token(way, apps), ARM, issuer)
    claims = answer["claims"]
    assert claims["ver"] == "1.0"
    assert claims["tid"] == way.tenant
    assert claims["appid"] == apps.demo.client_id
    assert claims["idtyp"] == "app"
    assert claims["oid"] == claims["sub"]
    assert claims["idp"] == issuer
    # Valid from five minutes earlier, as in Entra ID, because of other machines' clocks.
    assert claims["nbf"] == claims["iat"]
    assert answer["header"]["x5t"] and answer["header"]["typ"] == "JWT"


def test_a_token_for_an_application_that_expects_v2_is_a_v2_token(way, apps):
    token = a_token(way, apps, apps.api.uri + "/.default")
    # A v2 token names its resource by the client id, whatever name was requested.
    answer = verified(way, token, apps.api.client_id, f"https://login.microsoftonline.com/{way.tenant}/v2.0")
    claims = answer["claims"]
    assert claims["ver"] == "2.0"
    assert claims["azp"] == apps.demo.client_id and claims["azpacr"] == "1"
    assert "appid" not in claims


def test_a_token_with_a_changed_subject_is_rejected(names, apps):
    header, payload, signature = a_token(names, apps).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["oid"] = claims["sub"] = "5ec0ffee-ffff-4000-8000-000000000001"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    token = f"{header}.{forged}.{signature}"
    answer = verified(names, token, ARM, claims["iss"])
    assert answer["error"] == "InvalidSignatureError", answer


def test_a_token_is_for_one_audience_only(names, apps):
    token = a_token(names, apps, "https://storage.azure.com/.default")
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    assert verified(names, token, ARM, issuer)["error"] == "InvalidAudienceError"
    assert "claims" in verified(names, token, "https://storage.azure.com", issuer)


@pytest.mark.parametrize("version", ["v1.0", "v2.0"])
def test_the_openid_configuration_has_the_urls_of_its_own_host(version, way):
    found = way.get(way.configuration(version))
    for field in ("token_endpoint", "jwks_uri", "authorization_endpoint"):
        assert found[field].startswith(way.login + "/"), (field, found[field])
    assert way.tenant in found["issuer"]
