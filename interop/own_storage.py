"""The emulator's own Blob Storage: the account of the default seed, containers in it, and who may use them."""

import functools
import json
import sys
import uuid

import requests

import checks
from machine import Machine

ACCOUNT = "stcontosoml"
SUBSCRIPTION = "5ec0ffee-0001-4000-8000-000000000001"
RESOURCE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ml"
    f"/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
)
ENDPOINT = f"https://{ACCOUNT}.blob.core.windows.net"
# What a program finds the account by.
VARIABLES = {"AZURE_STORAGE_ENDPOINT": ENDPOINT, "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT}
# The managed identity of `--as vm`.
VM = checks.ACCOUNTS["vm"]
ROLES = "/providers/Microsoft.Authorization/roleDefinitions/"
# Storage Blob Data Contributor and Reader.
WRITER, READER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"

# Makes containers, each with a blob.
MAKE = """
import os, sys
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
service = BlobServiceClient(os.environ["AZURE_STORAGE_ENDPOINT"], DefaultAzureCredential())
for name in sys.argv[1:]:
    service.create_container(name).upload_blob("day.csv", b"a,b\\n1,2\\n")
"""


def make_containers(azure, *names):
    """As the seed's service principal, who may write in the whole account."""
    machine = Machine(azure, "service-principal")
    machine.run(sys.executable, "-c", MAKE, *names, variables=VARIABLES)


def assign(azure, role, principal, container=None):
    """As Ada, who owns the subscription."""
    scope = f"{RESOURCE}/blobServices/default/containers/{container}" if container else RESOURCE
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.put(
            f"{azure.info['arm_url']}{name}?api-version=2022-04-01",
            headers={"Authorization": "Bearer " + adas_token(azure)},
            json={"properties": {"roleDefinitionId": ROLES + role, "principalId": principal}},
            verify=azure.info["ca_bundle"],
            timeout=30,
        )
    # The seed may have assigned it.
    assert answer.status_code in (201, 409), answer.text


@functools.cache
def adas_token(azure):
    return Machine(azure, "laptop").run(azure.binary, "token").strip()


def token(azure):
    """A token of the seed's service principal."""
    arguments = ("token", "--scope", "https://storage.azure.com/.default")
    return Machine(azure, "service-principal").run(azure.binary, *arguments).strip()


def secret(azure, application):
    """The secret of an application of the seed, by its name."""
    (found,) = (one for one in azure.info["identities"] if one["name"] == application)
    return found["client_id"], found["secret"]


def lines(text):
    """What the programs of programs/blobs.* print: what came of each container's steps."""
    found = {}
    for line in text.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            found.setdefault(said["container"], {})[said["step"]] = said
    return found


def for_everyone(azure):
    """Two containers for the programs of checks.py, and a role for each account there."""
    make_containers(azure, "data", "tables")
    for principal in set(checks.ACCOUNTS.values()):
        assign(azure, WRITER, principal)
