"""Azure CLI, with Azure's own management clients in it, works in the emulator's Resource Manager, unmodified."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from emulator import Emulator

# They share an emulator, and each starts Azure CLI several times.
pytestmark = pytest.mark.xdist_group("resource-manager")

HERE = Path(__file__).parent
SUBSCRIPTION = "5ec0ffee-0001-4000-8000-000000000001"
SCOPE = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/rg-contoso-ml"
# A managed identity of the seed.
SPARE = "d0000001-0000-4000-8000-000000000103"


@pytest.fixture(scope="module")
def own(binary, tmp_path_factory):
    """An emulator that these tests change."""
    with Emulator(binary, tmp_path_factory.mktemp("resource-manager")) as started:
        yield started


@pytest.fixture(scope="module", params=["names", "ports"])
def az(own, request):
    """Runs lines of Azure CLI, one after the other. Returns what each printed, or its error's code."""
    environment = own.environment(request.param, "laptop") | {
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_NO_COLOR": "true",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
    }

    def run(*lines):
        done = subprocess.run(
            [Path(os.environ["AZCRED_AZURE_CLI"]).with_name("python"), HERE / "programs" / "az_lines.py"],
            input=json.dumps([line.split() for line in lines]),
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=110,
        )
        assert done.returncode == 0, done.stderr
        results = []
        for line, (code, out, error) in zip(lines, json.loads(done.stdout), strict=True):
            if code:
                assert "Code: " in error, f"az {line}\n{error}"
                results.append(error.split("Code: ")[1].split()[0])
            else:
                results.append(json.loads(out) if out.strip() else None)
        return results

    return run


def test_identities_are_listed_made_given_roles_and_deleted(az):
    listed, shown, federated, made, again = az(
        "identity list",
        "identity show -g rg-contoso-ml -n id-contoso-spare",
        "identity federated-credential list -g rg-contoso-ml --identity-name id-contoso-spare",
        "identity create -g rg-contoso-ml -n trainer --tags a=b",
        "identity create -g rg-contoso-ml -n trainer",
    )
    names = {identity["name"] for identity in listed}
    assert names >= {"id-contoso-look", "id-contoso-spare", "id-contoso-train"}
    assert shown["principalId"] == SPARE
    assert [credential["name"] for credential in federated] == ["cluster"]
    assert made["principalId"] == again["principalId"]
    assigned, gone, missing = az(
        f"role assignment create --assignee-object-id {made['principalId']} --assignee-principal-type ServicePrincipal"
        f" --role Reader --scope {GROUP}",
        "identity delete -g rg-contoso-ml -n trainer",
        "identity show -g rg-contoso-ml -n trainer",
    )
    assert assigned["principalId"] == made["principalId"]
    assert (gone, missing) == (None, "ResourceNotFound")


def test_what_the_emulator_has_none_of_is_empty(az):
    lines = [
        "vm list",
        "vmss list",
        "disk list -g rg-contoso-ml",
        "vm list-usage -l westeurope",
        "lock list",
        "lock list -g rg-contoso-ml",
        "deployment sub list",
        "deployment group list -g rg-contoso-ml",
        "monitor activity-log list",
        "tag list",
    ]
    assert az(*lines) == [[]] * len(lines)


def test_what_the_emulator_does_not_serve_is_never_said_to_be_missing(az):
    lines = [
        "network vnet list",
        "aks list",
        "webapp list",
        "policy assignment list",
        "provider show -n Microsoft.Network",
        "lock create -n mine -g rg-contoso-ml --lock-type ReadOnly",
        "group export -n rg-contoso-ml",
    ]
    assert az(*lines) == ["NotServedByEmulator"] * len(lines)
    # What Azure does not have either.
    missing = az(
        "vm show -g rg-contoso-ml -n none",
        "lock show -n none -g rg-contoso-ml",
        "deployment group show -n none -g rg-contoso-ml",
    )
    assert missing == ["ResourceNotFound", "LockNotFound", "DeploymentNotFound"]


def test_providers_and_regions_are_described(az):
    providers, compute, locations = az(
        "provider list", "provider show -n Microsoft.Compute", "account list-locations"
    )
    assert {"Microsoft.ManagedIdentity", "Microsoft.Compute"} <= {one["namespace"] for one in providers}
    assert "virtualMachines" in {one["resourceType"] for one in compute["resourceTypes"]}
    europe = next(one for one in locations if one["name"] == "westeurope")
    assert europe["metadata"]["physicalLocation"] == "Netherlands"
    assert len(europe["availabilityZoneMappings"]) == 3


def test_a_group_is_deleted_by_a_long_operation(az):
    made, tags, there, gone, left, missing = az(
        "group create -n rg-new -l westeurope --tags team=ml",
        "tag list",
        "group exists -n rg-new",
        "group delete -n rg-new --yes",
        "group exists -n rg-new",
        "group show -n rg-new",
    )
    assert made["tags"] == {"team": "ml"}
    assert [tag["tagName"] for tag in tags] == ["team"]
    assert (there, gone, left, missing) == (True, None, False, "ResourceGroupNotFound")


def test_a_custom_role_is_made_changed_assigned_with_a_condition_and_deleted(az, tmp_path):
    role = tmp_path / "role.json"
    text = {"Name": "Runs jobs", "Actions": ["*/read"], "AssignableScopes": [SCOPE]}
    role.write_text(json.dumps(text), encoding="utf-8")
    made, changed, listed = az(
        f"role definition create --role-definition {role}",
        f"role definition update --role-definition {role}",
        "role definition list --custom-role-only",
    )
    assert made["roleType"] == "CustomRole" and changed["name"] == made["name"]
    assert [one["roleName"] for one in listed] == ["Runs jobs"]
    assigned, kept, *done = az(
        f"role assignment create --assignee-object-id {SPARE} --assignee-principal-type ServicePrincipal"
        f" --role {made['name']} --scope {GROUP} --condition @Resource[a]StringEquals'b' --condition-version 2.0",
        f"role assignment list --assignee {SPARE} --scope {GROUP} --fill-principal-name false",
        f"role assignment delete --assignee {SPARE} --scope {GROUP}",
        f"role definition delete --name {made['name']}",
    )
    assert assigned["condition"] == "@Resource[a]StringEquals'b'"
    assert [one["conditionVersion"] for one in kept] == ["2.0"]
    assert done == [None, None]


def test_a_management_group_is_made_by_a_long_operation_and_gets_a_subscription(az):
    made, shown, _, moved = az(
        "account management-group create --name team --display-name Team",
        "account management-group show --name team",
        "role assignment create --assignee ada@contoso.com --role Owner"
        " --scope /providers/Microsoft.Management/managementGroups/team",
        f"account management-group subscription add --name team --subscription {SUBSCRIPTION}",
    )
    assert made["displayName"] == shown["displayName"] == "Team"
    assert moved["parent"]["id"].endswith("/managementGroups/team")
