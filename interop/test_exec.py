"""Unmodified programs in `azcred exec`: on each emulated machine they are the account that azcred finds there."""

import json
import os
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from machine import WHOSE, Machine, claims

# Azure CLI takes seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("az")

AZURE_IDENTITY = (
    WHOSE
    + """
import asyncio
from azure.identity import AzureCliCredential, DefaultAzureCredential, ManagedIdentityCredential
from azure.identity import aio
SCOPE = "https://ml.azure.com/.default"
for credential in DefaultAzureCredential(), ManagedIdentityCredential(), AzureCliCredential():
    whose(credential.get_token(SCOPE).token)
async def main():
    for credential in aio.DefaultAzureCredential(), aio.ManagedIdentityCredential(), aio.AzureCliCredential():
        async with credential:
            whose((await credential.get_token(SCOPE)).token)
asyncio.run(main())
"""
)

ML_CLIENT = """
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
import os
names = [os.environ["AZUREML_ARM_" + name] for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")]
print(MLClient(DefaultAzureCredential(), *names).workspaces.get().name)
"""


def test_azure_identitys_credentials_are_the_account(machine, account):
    assert machine.python(AZURE_IDENTITY) == [account] * 6


def test_hi_ml_gets_the_account(machine, account):
    assert machine.chosen_by("hi-ml") == account


def test_kedro_gets_the_account(machine, account):
    assert machine.chosen_by("kedro") == account


@pytest.mark.parametrize("az", ["stand-in", "real"])
def test_azure_cli_is_the_account(machine, account, az):
    az = "az" if az == "stand-in" else os.environ["AZCRED_AZURE_CLI"]
    shown = json.loads(machine.exec(az, "account", "show"))
    assert shown["user"]["name"] == "systemAssignedIdentity"
    token = json.loads(
        machine.exec(az, "account", "get-access-token", "--resource", "https://graph.microsoft.com")
    )
    found = claims(token["accessToken"])
    assert (found["oid"], found["aud"]) == (account, "https://graph.microsoft.com")


def test_mlclient_reads_the_workspace(machine):
    assert machine.python(ML_CLIENT) == ["ws-contoso-ml"]


def test_in_a_job_of_azure_ml_a_program_is_the_user_who_submitted_it(azure):
    job = Machine(azure, "azureml-job")
    assert job.account() == "e0000001-0000-4000-8000-000000000001"
    assert job.python(AZURE_IDENTITY) == [job.account()] * 6


def test_other_commands_of_azure_cli_are_the_account_too(azure):
    said = Machine(azure, "laptop").exec("az", "group", "list", "--query", "[].name", "--output", "tsv")
    assert said == "rg-contoso-ml\n"


def test_a_program_that_outlives_azcred_gets_no_more_tokens(azure):
    script = "echo $$ $PPID $IDENTITY_ENDPOINT; exec sleep 300"
    machine = Machine(azure, "laptop")
    command = (azure.binary, "exec", "--", "sh", "-c", script)
    process = machine.start(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    program, azcred, address = process.stdout.readline().split()
    try:
        os.kill(int(azcred), 9)
        process.wait(timeout=60)
        where = urlsplit(address)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((where.hostname, where.port), timeout=10).close()
    finally:
        os.kill(int(program), 9)
        process.kill()
        process.stdout.close()
