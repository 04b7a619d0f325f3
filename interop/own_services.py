"""The emulator's own key vault and container registry: those of the default seed, and who may use them."""

import json
import subprocess
import sys
import uuid

import requests

import own_storage
from machine import Machine

SUBSCRIPTION = f"/subscriptions/{own_storage.SUBSCRIPTION}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-contoso-ml/providers"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv-contoso-ml"
REGISTRY = f"{GROUP}/Microsoft.ContainerRegistry/registries/crcontosoml"
SERVER = "crcontosoml.azurecr.io"
# 'Azure built-in roles'.
SECRETS_OFFICER, SECRETS_USER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "4633458b-17de-408a-b874-0445c86b69e6"
ACR_PULL, VAULT_CONTRIBUTOR = "7f951dda-4ed3-4680-a7ca-43fe172d538d", "f25e0fa2-a7c8-4377-a976-54943a77a395"
# Applications of the seed, with their object ids.
DEMO, CONTRIBUTOR, NO_ROLES = "azcred-demo", "azcred-contributor", "azcred-noroles"


def object_id(azure, application):
    (found,) = (one for one in azure.info["identities"] if one["name"] == application)
    return found["object_id"]


def assign(azure, role, principal, scope):
    """As Ada, who owns the subscription."""
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    answer = arm(
        azure,
        "PUT",
        name,
        "2022-04-01",
        {"properties": {"roleDefinitionId": own_storage.ROLES + role, "principalId": principal}},
    )
    assert answer.status_code == 201, answer.text


def arm(azure, method, path, version, body=None):
    """A request of Ada's to Resource Manager."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            method,
            f"{azure.info['arm_url']}{path}?api-version={version}",
            headers={"Authorization": "Bearer " + own_storage.adas_token(azure)},
            json=body,
            verify=azure.info["ca_bundle"],
            timeout=30,
        )


def python(azure, application, program, *arguments):
    """What a Python program prints as JSON, as an application by AZURE_*."""
    client_id, secret = own_storage.secret(azure, application)
    said = Machine(azure, "service-principal").run(
        *(sys.executable, "-c", program, *arguments),
        variables={"AZURE_CLIENT_ID": client_id, "AZURE_CLIENT_SECRET": secret},
    )
    return json.loads(said)


def said(machine, *command, **options):
    """The exit code of a command, and all that it printed."""
    process = machine.start(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    try:
        out, _ = process.communicate(timeout=110)
    finally:
        process.kill()
    return process.returncode, out
