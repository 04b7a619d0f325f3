"""Programs in other languages in `azcred exec`, unmodified: Node.js, Rust, and Terraform, which runs `az`."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from machine import Machine, claims

SCOPE = "https://ml.azure.com/.default"

RESOURCE_MANAGER = {"https://management.azure.com", "https://management.core.windows.net"}

NODE = f"""
const {{ AzureCliCredential, DefaultAzureCredential, ManagedIdentityCredential }} = require('@azure/identity');
(async () => {{
  for (const made of [AzureCliCredential, DefaultAzureCredential, ManagedIdentityCredential])
    console.log((await new made().getToken('{SCOPE}')).token);
}})();
"""


def whose(tokens):
    return [claims(token)["oid"] for token in tokens.split()]


def test_nodes_credentials_are_the_account(machine, account):
    modules, node = os.environ.get("AZCRED_NODE_MODULES"), shutil.which("node")
    if not (modules and node):
        pytest.skip("NODE IS NOT TESTED: it is not installed")
    tokens = machine.exec(node, "-e", NODE, variables={"NODE_PATH": modules})
    assert whose(tokens) == [account] * 3


@pytest.mark.parametrize("credential", ["managed-identity", "azure-cli"])
def test_rusts_azure_identity_is_the_account(machine, account, credential):
    tokens = machine.exec(os.environ["AZCRED_RUST_CLIENTS"], credential, SCOPE)
    assert whose(tokens) == [account]


@pytest.mark.parametrize(
    "scope",
    # go-azure-sdk, sdk/environments: a resource's identifier with `/.default`.
    [
        "https://management.azure.com/.default",
        "https://management.core.windows.net//.default",
        "https://graph.microsoft.com/.default",
        "https://storage.azure.com/.default",
    ],
)
def test_az_answers_the_commands_of_terraform(machine, account, scope):
    # go-azure-sdk, sdk/internal/azurecli and sdk/auth/azure_cli_authorizer.go.
    said = json.loads(machine.exec("az", "version", "-o=json"))
    assert (2, 0, 81) <= tuple(map(int, said["azure-cli"].split("."))) < (3, 0, 0)
    shown = json.loads(machine.exec("az", "account", "show", "-o=json"))
    assert shown["id"] == "5ec0ffee-0001-4000-8000-000000000001"
    command = ("account", "get-access-token", "--scope", scope)
    for tenant in [(), ("--tenant", shown["tenantId"])]:
        token = json.loads(machine.exec("az", *command, *tenant, "-o=json"))
        found = claims(token["accessToken"])
        assert (found["oid"], found["tid"]) == (account, shown["tenantId"])
        audience = scope.removesuffix("/.default").rstrip("/")
        # Resource Manager accepts both of its names, and Azure CLI's own token has the older one.
        names = RESOURCE_MANAGER if audience in RESOURCE_MANAGER else {audience}
        assert found["aud"].rstrip("/") in names
        assert (token["tokenType"], token["tenant"]) == ("Bearer", shown["tenantId"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", token["expiresOn"])


BACKEND = """
terraform {
  backend "azurerm" {
    use_cli              = true
    use_azuread_auth     = true
    storage_account_name = "contosostate"
    container_name       = "state"
    key                  = "terraform.tfstate"
  }
}
"""


def test_terraform_gets_a_token_for_its_state(azure, tmp_path):
    terraform = shutil.which("terraform")
    if not terraform:
        pytest.skip("TERRAFORM IS NOT TESTED: it is not installed")
    (tmp_path / "main.tf").write_text(BACKEND, encoding="utf-8")
    machine = Machine(azure, "github")
    own = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    process = machine.start(
        *(azure.binary, "-v", "exec", "--", terraform, f"-chdir={tmp_path}", "init", "-input=false"),
        variables=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        # The storage is not there, and Terraform repeats its request for minutes.
        asked = (re.search(r" token .* process=az\[\d+\] resource=(\S+)", line) for line in process.stderr)
        resources = (found[1] for found in asked if found)
        assert "https://storage.azure.com" in resources
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
