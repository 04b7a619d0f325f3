"""Microsoft Graph for programs that have never met the emulator: Azure CLI's `az ad`, and Microsoft's Graph SDK."""

import json
import os
import subprocess

import pytest

from azure_cli import AzureCli
from machine import Machine
from way import HERE

ADA = "e0000001-0000-4000-8000-000000000001"
DEMO = "a0000001-0000-4000-8000-000000000001"
GRAPH = "00000003-0000-0000-c000-000000000000"
ML_ENGINEERS = "f0000001-0000-4000-8000-000000000001"
ENGINEERS = "f0000001-0000-4000-8000-000000000002"

# What is printed by each command. The commands write what they find, or a part of it.
COMMANDS = {
    "ad signed-in-user show --query displayName": "Ada Lovelace",
    "ad signed-in-user list-owned-objects --query [].displayName": ["azcred-demo", "ML engineers"],
    "ad user list --query [].displayName": [
        "Ada Lovelace",
        "Grace Hopper",
        "Katherine Johnson",
        "Dorothy Vaughan",
    ],
    "ad user list --display-name Gra --query [].userPrincipalName": ["grace@contoso.com"],
    "ad user list --upn grace@contoso.com --query [].displayName": ["Grace Hopper"],
    "ad user list --filter startswith(userPrincipalName,'k') --query [].displayName": ["Katherine Johnson"],
    "ad user show --id ada@contoso.com --query id": ADA,
    f"ad user get-member-groups --id {ADA} --query [].displayName": ["ML engineers", "Engineers"],
    "ad group list --display-name ML --query [].id": [ML_ENGINEERS],
    f"ad group show --group {ENGINEERS} --query displayName": "Engineers",
    "ad group show --group Engineers --query id": ENGINEERS,
    "ad group member list --group Engineers --query [].displayName": ["Katherine Johnson", "ML engineers"],
    f"ad group member check --group Engineers --member-id {ADA} --query value": True,
    f"ad group member check --group Engineers --member-id {ENGINEERS} --query value": False,
    f"ad group owner list --group {ML_ENGINEERS} --query [].displayName": ["Ada Lovelace"],
    f"ad group get-member-groups --group {ML_ENGINEERS}": [ENGINEERS],
    "ad app list --display-name azcred-d --query [].displayName": [
        "azcred-demo",
        "azcred-disabled",
        "azcred-desktop",
    ],
    f"ad app list --app-id {DEMO} --query [].displayName": ["azcred-demo"],
    "ad app list --identifier-uri api://azcred-api --query [].displayName": ["azcred-api"],
    "ad app list --show-mine --query [].displayName": ["azcred-demo"],
    f"ad app show --id {DEMO} --query passwordCredentials[].[displayName,secretText]": [["demo", None]],
    f"ad app owner list --id {DEMO} --query [].displayName": ["Ada Lovelace"],
    f"ad app credential list --id {DEMO} --query [].displayName": ["demo"],
    "ad app federated-credential list --id a0000001-0000-4000-8000-000000000005 --query [].name": [
        "github-main",
        "azure-pipelines",
    ],
    "ad sp list --display-name azcred-demo --query [].appId": [DEMO],
    f"ad sp list --spn {GRAPH} --query [].displayName": ["Microsoft Graph"],
    "ad sp list --all --query length(@)>`50`": True,
    f"ad sp show --id {DEMO} --query servicePrincipalType": "Application",
    f"ad sp show --id {GRAPH} --query length(appRoles)>`10`": True,
    f"ad sp owner list --id {DEMO}": [],
}

# The message of commands that can't be carried out.
REFUSED = {
    f"ad app permission list-grants --id {DEMO}": (
        "ERROR: This emulator does not serve 'GET /v1.0/oauth2PermissionGrants'; Azure may. Nothing was changed."
    ),
    "ad user show --id nobody@contoso.com": (
        "ERROR: Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not "
        "present."
    ),
}


@pytest.mark.xdist_group("az")
@pytest.mark.parametrize("way", ["names", "ports"])
def test_az_ad_reads_the_directory(way, untouched):
    variables = untouched.environment(way, "laptop")
    laptop = AzureCli(variables["AZURE_CONFIG_DIR"], variables)
    done = laptop.side_by_side([*COMMANDS, *REFUSED])
    found = {command: json.loads(done[command].stdout or "null") for command in COMMANDS}
    assert found == COMMANDS, [one.stderr for one in done.values() if one.returncode]
    assert {command: done[command].stderr.strip() for command in REFUSED} == REFUSED


@pytest.mark.xdist_group("az")
def test_az_ad_says_that_an_application_is_not_signed_in_as_a_user(az):
    refused = az.service_principal.run("ad", "signed-in-user", "show")
    assert refused.stderr.strip() == f"ERROR: {ONLY_FOR_PEOPLE[2]}"


ONLY_FOR_PEOPLE = [400, "BadRequest", "/me request is only valid with delegated authentication flow."]

EXPECTED = {
    "starts": ["Ada Lovelace"],
    "searched": ["Ada Lovelace", "Grace Hopper"],
    "searched count": 2,
    "count": 4,
    "ends": ["Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Dorothy Vaughan"],
    "pages": ["Ada Lovelace", "Dorothy Vaughan", "Grace Hopper", "Katherine Johnson"],
    "person": ["Grace Hopper", None, []],
    "member of": [["Group", "ML engineers"]],
    "transitive": ["Engineers", "ML engineers"],
    "group ids": [ML_ENGINEERS, ENGINEERS],
    "checked": [ENGINEERS],
    "groups": ["ML engineers", "Engineers"],
    "members": ["Group", "User"],
    "all members": ["Ada Lovelace", "Grace Hopper", "Katherine Johnson"],
    "applications": ["azcred-demo", "azcred-disabled", "azcred-desktop"],
    "owners": ["Ada Lovelace"],
    "secret": [["demo", None]],
    "federated": ["github-main", "azure-pipelines"],
    "principals": ["azcred-demo"],
    "graph": ["Microsoft Graph", True],
    "by ids": ["Group", "User"],
    "organization": ["Contoso", "contoso.onmicrosoft.com"],
    "batch": {"1": 200, "2": 200, "3": 404, "absolute": 400},
    "unknown": [
        404,
        "Request_ResourceNotFound",
        "Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not "
        "present.",
    ],
    "not served": [
        501,
        "NotServedByEmulator",
        "This emulator does not serve 'GET /v1.0/sites/getAllSites()'; Azure may. Nothing was changed.",
    ],
}


@pytest.mark.heavy
@pytest.mark.parametrize("who", ["a person", "an application"])
def test_microsofts_graph_sdk_reads_the_directory(who, untouched):
    program = (os.environ["AZCRED_GRAPH_PYTHON"], HERE / "programs" / "graph_sdk.py")
    if who == "a person":
        said = Machine(untouched, "laptop").run(*program)
        me = "Ada Lovelace"
    else:
        identity = next(one for one in untouched.info["identities"] if one["name"] == "azcred-contributor")
        account = {
            "AZURE_TENANT_ID": identity["tenant_id"],
            "AZURE_CLIENT_ID": identity["client_id"],
            "AZURE_CLIENT_SECRET": identity["secret"],
        }
        variables = untouched.environment("names", "no-account") | account
        done = subprocess.run(program, env=variables, capture_output=True, text=True, timeout=110)
        assert done.returncode == 0, done.stderr
        said = done.stdout
        me = ONLY_FOR_PEOPLE
    assert json.loads(said) == EXPECTED | {"me": me}
