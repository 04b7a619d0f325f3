"""A service acts for its caller with MSAL, azure-identity and Node's @azure/identity, by both ways."""

import json
import os
import shutil
import subprocess

import jwt
import pytest

from way import HERE, PROGRAM_WITHIN

STORAGE = "https://storage.azure.com"


@pytest.fixture(scope="module")
def answer(way, apps):
    """What the programs of Python got."""
    question = {
        "authority": f"{way.login}/{way.tenant}",
        "tenant": way.tenant,
        "client_id": apps.middle.client_id,
        "secret": apps.middle.secret,
        "certificate": str(apps.certificate.pem),
        "options": way.identity_options,
        "caller": apps.caller,
        "service_scope": f"{apps.middle.uri}/.default",
        "scope": f"{STORAGE}/.default",
    }
    return way.run("on_behalf_of", question)


def is_callers(way, apps, token):
    claims = way.claims(token, STORAGE)
    assert claims["upn"] == apps.caller[0]
    assert claims["appid"] == apps.middle.client_id
    assert claims["idtyp"] == "user"


@pytest.mark.parametrize(
    "library", ["msal", "azure-identity", "azure-identity, certificate", "azure-identity, async"]
)
def test_a_service_gets_its_callers_token_with(library, answer, way, apps):
    is_callers(way, apps, answer["tokens"][library])


def test_msal_reads_the_account_of_its_caller(answer):
    first = answer["first"]
    assert first["token_type"] == "Bearer" and first["refresh_token"] and first["client_info"]
    assert "preferred_username" in first["id_token_claims"]


def test_a_token_for_another_service_is_refused(answer, apps):
    refused = answer["refused"]
    assert refused["error"] == "invalid_grant"
    assert refused["error_codes"] == [500131]
    assert f"expected audience is '{apps.middle.uri}'" in refused["error_description"]


def test_nodes_credential_gets_its_callers_token(answer, way, apps):
    node, modules = shutil.which("node"), os.environ.get("AZCRED_NODE_MODULES")
    if not (node and modules):
        pytest.skip("Node.js is not installed")
    named = {"disableInstanceDiscovery": True} if way.identity_options else {}
    question = {
        "tenant": way.tenant,
        "client_id": apps.middle.client_id,
        "secret": apps.middle.secret,
        "assertion": answer["assertion"],
        "scope": f"{STORAGE}/.default",
        "options": named | ({"authorityHost": way.login} if named else {}),
    }
    done = subprocess.run(
        [node, HERE / "programs" / "on_behalf_of.mjs", modules],
        input=json.dumps(question),
        env=way.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_WITHIN,
    )
    assert done.returncode == 0, done.stderr
    token = json.loads(done.stdout)["token"]
    is_callers(way, apps, token)
    assert jwt.decode(token, options={"verify_signature": False})["appidacr"] == "1"
