"""Role assignments: what `azcred role assign` makes, Azure CLI and azure-mgmt-authorization see and remove, and the
other way round."""

import json
import sys

import pytest

from azure_cli import AzureCli
from machine import Machine

SUBSCRIPTION = "5ec0ffee-0001-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ml"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml"
ROLE = "AzureML Data Scientist"
NO_ROLES = "d0000001-0000-4000-8000-000000000006"
BLOCKED = "d0000001-0000-4000-8000-000000000007"
COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes/write"

pytestmark = pytest.mark.xdist_group("az")


@pytest.fixture(params=["names", "ports"])
def laptop(request, azure):
    variables = azure.environment(request.param, "laptop")
    return AzureCli(variables["AZURE_CONFIG_DIR"], variables)


@pytest.fixture
def role(azure, laptop):
    """`azcred role` on the laptop: its JSON, and its exit code."""

    def run(*arguments, code=0):
        done = azure.azcred("role", *arguments, "--output", "json", env=laptop.variables)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return run


def at_workspace(verb, *arguments):
    return ("role", "assignment", verb, "--scope", WORKSPACE, *arguments)


def test_az_sees_and_deletes_what_azcred_assigns(laptop, role):
    assert role("assign", ROLE, "--to", NO_ROLES, "--scope", WORKSPACE)["isNew"]
    [seen] = laptop.answer(*at_workspace("list", "--assignee", NO_ROLES))
    assert (seen["roleDefinitionName"], seen["principalType"]) == (ROLE, "ServicePrincipal")
    assert not role("assign", ROLE, "--to", NO_ROLES, "--scope", WORKSPACE)["isNew"]
    gone = laptop.run(*at_workspace("delete", "--assignee", NO_ROLES, "--role", ROLE))
    assert gone.returncode == 0, gone.stderr
    assert role("list", "--principal", NO_ROLES, "--scope", WORKSPACE)["assignments"] == []


def test_azcred_sees_and_removes_what_az_assigns(laptop, role):
    who = ("--assignee-object-id", BLOCKED, "--assignee-principal-type", "ServicePrincipal")
    made = laptop.answer(*at_workspace("create", *who, "--role", "AzureML Compute Operator"))
    checked = role("check", COMPUTE, "--principal", BLOCKED, "--scope", WORKSPACE)
    assert checked["actions"][0]["through"]["id"].lower() == made["id"].lower()
    removed = role("remove", "AzureML Compute Operator", "--from", BLOCKED, "--scope", WORKSPACE)
    assert [one["id"].lower() for one in removed["removed"]] == [made["id"].lower()]
    assert laptop.answer(*at_workspace("list", "--assignee", BLOCKED)) == []
    assert role("check", COMPUTE, "--principal", BLOCKED, "--scope", WORKSPACE, code=5)["smallestRole"][
        "name"
    ] == ("AzureML Compute Operator")


def test_az_lists_the_same_roles_as_azcred(laptop, role):
    theirs = laptop.answer(
        *at_workspace("list", "--include-inherited", "--include-groups", "--assignee", "ada@contoso.com")
    )
    ours = role("list", "--principal", "ada@contoso.com", "--scope", WORKSPACE)["assignments"]
    assert {one["id"].lower() for one in ours} == {one["id"].lower() for one in theirs}
    assert {one["role"] for one in ours} == {one["roleDefinitionName"] for one in theirs}


# Makes and removes an assignment with Microsoft's client, as far as the words say.
SDK = """
import json, sys, uuid
from azure.identity import AzureCliCredential
from azure.mgmt.authorization import AuthorizationManagementClient
subscription, scope, principal, role, verb = sys.argv[1:]
access = AuthorizationManagementClient(AzureCliCredential(process_timeout=90), subscription)
roles = access.role_definitions.list(scope, filter=f"roleName eq '{role}'")
[definition] = [one.id for one in roles]
if verb == "create":
    properties = {"role_definition_id": definition, "principal_id": principal, "principal_type": "ServicePrincipal"}
    access.role_assignments.create(scope, str(uuid.uuid4()), properties)
own = access.role_assignments.list_for_scope(scope, filter=f"principalId eq '{principal}'")
own = [one for one in own if one.scope.lower() == scope.lower()]
if verb == "delete":
    for one in own:
        access.role_assignments.delete_by_id(one.id)
print(json.dumps([one.id for one in own]))
"""


def test_azure_mgmt_authorization_and_azcred_see_each_others_assignments(azure):
    machine = Machine(azure, "laptop")
    principal = "d0000001-0000-4000-8000-000000000003"

    def sdk(verb):
        arguments = (SUBSCRIPTION, WORKSPACE, principal, "Reader", verb)
        return json.loads(machine.run(sys.executable, "-c", SDK, *arguments))

    def azcred(*arguments):
        said = machine.run(azure.binary, "role", *arguments, "--scope", WORKSPACE, "--output", "json")
        return json.loads(said)

    [made] = sdk("create")
    [removed] = azcred("remove", "Reader", "--from", principal)["removed"]
    assert removed["id"].lower() == made.lower()
    assigned = azcred("assign", "Reader", "--to", principal)["assignment"]["id"]
    assert [one.lower() for one in sdk("delete")] == [assigned.lower()]
    assert azcred("list", "--principal", principal)["assignments"] == []
