"""Identities for programs, made in the emulator by Azure CLI and Microsoft's SDKs, and what they can do then."""

import itertools
import json
import os
import shutil

import pytest

from azure_cli import AzureCli
from emulator import Emulator
from machine import Machine
from way import HERE

SUBSCRIPTION = "5ec0ffee-0001-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ml"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml"
ROLE = "AzureML Data Scientist"
TENANT = "c0a70500-0000-4000-8000-000000000001"
ADA = "e0000001-0000-4000-8000-000000000001"
GRACE = "e0000001-0000-4000-8000-000000000002"
AUDIENCE = "api://AzureADTokenExchange"

pytestmark = pytest.mark.xdist_group("identities")


@pytest.fixture(scope="module")
def tenant(binary, tmp_path_factory):
    """An emulator whose directory these tests change."""
    with Emulator(binary, tmp_path_factory.mktemp("tenant")) as started:
        yield started


@pytest.fixture(scope="module", params=["names", "ports"])
def laptop(request, tenant):
    variables = tenant.environment(request.param, "laptop")
    return AzureCli(variables["AZURE_CONFIG_DIR"], variables)


@pytest.fixture
def another(tenant, tmp_path):
    """Makes an Azure CLI with a folder of its own: it has no sign-in, and no tokens of an earlier one."""
    variables = tenant.environment("names", "no-account")
    numbers = itertools.count()
    return lambda: AzureCli(tmp_path / f"az-{next(numbers)}", variables)


def test_az_makes_a_service_principal_with_a_role_and_signs_in_with_it(laptop, another):
    name = f"training-{os.urandom(4).hex()}"
    create = ("ad", "sp", "create-for-rbac", "--name", name, "--role", ROLE, "--scopes", WORKSPACE)
    made = laptop.answer(*create)
    client = made["appId"]
    [assigned] = laptop.answer("role", "assignment", "list", "--all", "--assignee", client)
    assert (assigned["roleDefinitionName"], assigned["scope"]) == (ROLE, WORKSPACE)
    [found] = laptop.answer("ad", "sp", "list", "--display-name", name)
    assert found["appId"] == client
    program = another()
    program.login_service_principal(client, made["password"], TENANT)
    url = f"https://management.azure.com{WORKSPACE}?api-version=2024-10-01"
    shown = ("rest", "--url", url, "--query", "name")
    assert program.answer(*shown) == "ws-contoso-ml"

    # The same line again gives the same application a new secret.
    again = laptop.answer(*create)
    assert again["appId"] == client
    refused = another().run(
        *("login", "--service-principal", "--username", client, "--tenant", TENANT),
        *("--password", made["password"]),
    )
    assert "AADSTS7000215" in refused.stderr
    program = another()
    program.login_service_principal(client, again["password"], TENANT)

    at = ("--assignee", client, "--role", ROLE, "--scope", WORKSPACE)
    assert laptop.run("role", "assignment", "delete", *at).returncode == 0
    assert "AuthorizationFailed" in program.run(*shown).stderr
    assert laptop.answer("role", "assignment", "create", *at)["principalId"] == found["id"]
    assert program.answer(*shown) == "ws-contoso-ml"
    assert laptop.run("ad", "app", "delete", "--id", client).returncode == 0
    refused = program.run("account", "get-access-token", "--resource", "https://ml.azure.com")
    assert "AADSTS700016" in refused.stderr, refused.stderr


def test_az_makes_a_certificate_and_signs_in_with_it(laptop, another):
    name = f"certificate-{os.urandom(4).hex()}"
    made = laptop.answer(
        *("ad", "sp", "create-for-rbac", "--name", name, "--create-cert", "--years", "2"),
        *("--role", "Reader", "--scopes", WORKSPACE),
    )
    [key] = laptop.answer("ad", "app", "credential", "list", "--cert", "--id", made["appId"])
    program = another()
    program.answer(
        *("login", "--service-principal", "--username", made["appId"], "--tenant", TENANT),
        *("--certificate", made["fileWithCertAndPrivateKey"]),
    )
    gone = laptop.run(
        "ad", "app", "credential", "delete", "--cert", "--id", made["appId"], "--key-id", key["keyId"]
    )
    assert gone.returncode == 0, gone.stderr
    refused = program.run("account", "get-access-token", "--resource", "https://ml.azure.com")
    assert "AADSTS700027" in refused.stderr, refused.stderr


def test_az_changes_an_application_its_credentials_and_its_owners(laptop, tenant, another, tmp_path):
    name = f"scoring-{os.urandom(4).hex()}"
    client = laptop.answer("ad", "app", "create", "--display-name", name)["appId"]
    app = ("--id", client)
    principal = laptop.answer("ad", "sp", "create", *app)["id"]
    assert laptop.run("ad", "app", "update", *app, "--set", "notes=by the ML team").returncode == 0
    assert laptop.answer("ad", "app", "show", *app, "--query", "notes") == "by the ML team"

    trusted = tmp_path / "trusted.json"
    subject = f"repo:contoso/{name}:environment:prod"
    issuer = "https://token.actions.githubusercontent.com"
    new = {"name": "ci", "issuer": issuer, "subject": subject, "audiences": [AUDIENCE]}
    trusted.write_text(json.dumps(new))
    made = laptop.answer("ad", "app", "federated-credential", "create", *app, "--parameters", str(trusted))
    [listed] = laptop.answer("ad", "app", "federated-credential", "list", *app)
    assert (listed["id"], listed["subject"]) == (made["id"], subject)
    token = tenant.admin("POST", "/federated-tokens", json={"issuer": issuer, "subject": subject})
    sign_in = ("login", "--service-principal", "--username", client, "--tenant", TENANT)
    sign_in += ("--allow-no-subscriptions", "--federated-token", token["token"])
    another().answer(*sign_in)
    gone = laptop.run("ad", "app", "federated-credential", "delete", *app, "--federated-credential-id", "ci")
    assert gone.returncode == 0, gone.stderr
    assert "AADSTS70025" in another().run(*sign_in).stderr

    first = laptop.answer("ad", "app", "credential", "reset", *app)["password"]
    second = laptop.answer("ad", "app", "credential", "reset", *app, "--append")["password"]
    keys = laptop.answer("ad", "app", "credential", "list", *app)
    assert sorted(key["hint"] for key in keys) == sorted((first[:3], second[:3]))
    of_second = next(key["keyId"] for key in keys if key["hint"] == second[:3])
    assert laptop.run("ad", "app", "credential", "delete", *app, "--key-id", of_second).returncode == 0
    own = laptop.answer("ad", "sp", "credential", "reset", *app)["password"]
    sign_in = ("login", "--service-principal", "--username", client, "--tenant", TENANT)
    sign_in += ("--allow-no-subscriptions", "--password")
    another().answer(*sign_in, own)
    assert "AADSTS7000215" in another().run(*sign_in, second).stderr

    added = laptop.run("ad", "app", "owner", "add", *app, "--owner-object-id", GRACE)
    assert added.returncode == 0, added.stderr
    owners = laptop.answer("ad", "app", "owner", "list", *app, "--query", "[].id")
    assert sorted(owners) == [ADA, GRACE]
    assert laptop.run("ad", "sp", "delete", "--id", principal).returncode == 0
    assert laptop.run("ad", "app", "delete", *app).returncode == 0
    assert "does not exist" in laptop.run("ad", "app", "show", *app).stderr


def test_az_makes_groups_and_users(laptop):
    name = f"reviewers-{os.urandom(4).hex()}"
    group = laptop.answer("ad", "group", "create", "--display-name", name, "--mail-nickname", name)
    assert group["securityIdentifier"].startswith("S-1-12-1-")
    member = ("--group", name, "--member-id", GRACE)
    assert laptop.run("ad", "group", "member", "add", *member).returncode == 0
    assert laptop.answer("ad", "group", "member", "check", *member, "--query", "value")
    upn = f"{name}@contoso.com"
    laptop.answer(
        *("ad", "user", "create", "--display-name", "Mary Shaw", "--user-principal-name", upn),
        *("--password", "Architecture-1968"),
    )
    shown = laptop.answer("ad", "user", "show", "--id", upn)
    assert shown["displayName"] == "Mary Shaw"
    assert laptop.run("ad", "user", "update", "--id", upn, "--display-name", "M. Shaw").returncode == 0
    assert laptop.run("ad", "user", "delete", "--id", upn).returncode == 0
    assert laptop.run("ad", "group", "delete", "--group", name).returncode == 0
    assert "does not exist" in laptop.run("ad", "user", "show", "--id", upn).stderr


def test_az_has_a_managed_identity_trust_another_issuer(laptop, tenant, another):
    name = f"id-{os.urandom(4).hex()}"
    place = ("--resource-group", "rg-contoso-ml")
    identity = laptop.answer("identity", "create", "--name", name, *place)
    of = ("--identity-name", name, *place)
    issuer, subject = "https://ci.example", "system:serviceaccount:training:new"
    laptop.answer(
        *("identity", "federated-credential", "create", "--name", "ci", *of),
        *("--issuer", issuer, "--subject", subject, "--audiences", AUDIENCE),
    )
    [listed] = laptop.answer("identity", "federated-credential", "list", *of)
    assert listed["subject"] == subject
    token = tenant.admin("POST", "/federated-tokens", json={"issuer": issuer, "subject": subject})
    sign_in = ("login", "--service-principal", "--username", identity["clientId"], "--tenant", TENANT)
    sign_in += ("--allow-no-subscriptions", "--federated-token", token["token"])
    another().answer(*sign_in)
    gone = laptop.run("identity", "federated-credential", "delete", "--name", "ci", *of, "--yes")
    assert gone.returncode == 0, gone.stderr
    assert "AADSTS700016" in another().run(*sign_in).stderr
    assert laptop.run("identity", "delete", "--name", name, *place).returncode == 0


@pytest.mark.heavy
def test_microsofts_graph_sdk_makes_and_deletes_an_application(tenant):
    program = (os.environ["AZCRED_GRAPH_PYTHON"], HERE / "programs" / "graph_identity.py")
    assert json.loads(Machine(tenant, "laptop").run(*program)) == {
        "secret": [True, True],
        "principal": ["sdk", ["ours"]],
        "twice": [409, "Request_MultipleObjectsWithSameKeyValue"],
        "owners": [ADA, GRACE],
        "then": ["sdk, renamed", []],
        "policy": True,
        "roles": ["Global Administrator"],
        "gone": 404,
    }


# Assigns and removes a role with Microsoft's client for Node.js.
NODE = """
const { AuthorizationManagementClient } = require("@azure/arm-authorization");
const { AzureCliCredential } = require("@azure/identity");
const [subscription, scope, principalId] = process.argv.slice(1);
(async () => {
  const client = new AuthorizationManagementClient(new AzureCliCredential(), subscription);
  const roles = client.roleDefinitions.list(scope, { filter: "roleName eq 'Reader'" });
  const { value: role } = await roles.next();
  const properties = { principalId, roleDefinitionId: role.id, principalType: "ServicePrincipal" };
  const made = await client.roleAssignments.create(scope, crypto.randomUUID(), properties);
  const own = [];
  for await (const one of client.roleAssignments.listForScope(scope, { filter: `principalId eq '${principalId}'` })) {
    own.push(one.id);
  }
  await client.roleAssignments.deleteById(made.id);
  console.log(JSON.stringify(own.includes(made.id)));
})();
"""


def test_microsofts_client_for_node_assigns_a_role_to_what_az_made(tenant):
    modules, node = os.environ.get("AZCRED_NODE_MODULES"), shutil.which("node")
    if not (modules and node):
        pytest.skip("NODE IS NOT TESTED: it is not installed")
    variables = tenant.environment("names", "laptop")
    laptop = AzureCli(variables["AZURE_CONFIG_DIR"], variables)
    client = laptop.answer("ad", "app", "create", "--display-name", "for node")["appId"]
    principal = laptop.answer("ad", "sp", "create", "--id", client)["id"]
    program = (node, "-e", NODE, SUBSCRIPTION, WORKSPACE, principal)
    said = Machine(tenant, "laptop").run(*program, variables={"NODE_PATH": modules})
    assert json.loads(said) is True
