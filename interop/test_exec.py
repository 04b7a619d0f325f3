"""Unmodified programs in `azcred exec`: on each emulated machine they are the account that azcred finds there."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest

from emulator import Emulator, bare_environment

# Azure CLI takes seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("az")

CHOOSE = Path(__file__).parent / "programs" / "choose.py"

MACHINES = ("laptop", "github", "aks", "azureml-compute")

# Each line of output: the object id for which a credential got a token.
WHOSE = """
import jwt
def whose(token):
    print(jwt.decode(token, options={"verify_signature": False})["oid"])
"""

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
    for credential in aio.DefaultAzureCredential(), aio.ManagedIdentityCredential():
        async with credential:
            whose((await credential.get_token(SCOPE)).token)
asyncio.run(main())
"""
)

AZUREML_CORE = (
    WHOSE
    + """
from azureml.core.authentication import AzureCliAuthentication
whose(AzureCliAuthentication().get_authentication_header()["Authorization"].removeprefix("Bearer "))
"""
)

ML_CLIENT = """
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
import os
names = [os.environ["AZUREML_ARM_" + name] for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")]
print(MLClient(DefaultAzureCredential(), *names).workspaces.get().name == names[2])
"""


@pytest.fixture(scope="module")
def azure(binary, tmp_path_factory):
    """An emulator with the built-in tenant, where each machine has an account."""
    with Emulator(binary, tmp_path_factory.mktemp("emulator")) as started:
        yield started


class Machine:
    """An emulated machine."""

    def __init__(self, azure, persona):
        self.azure, self.persona = azure, persona

    def start(self, *command, **streams):
        """Starts a program on this machine."""
        inside = ("emulator", "exec", "--state", self.azure.state, "--as", self.persona, "--")
        environment = bare_environment(self.azure.home)
        environment["PATH"] = os.pathsep.join((os.path.dirname(os.environ["AZCRED_AZURE_CLI"]), environment["PATH"]))
        return subprocess.Popen(
            [self.azure.binary, *inside, *command], env=environment, text=True, encoding="utf-8", **streams
        )

    def run(self, *command, input=""):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = self.start(*command, **pipes)
        try:
            out, err = process.communicate(input, timeout=120)
        finally:
            process.kill()
        assert process.returncode == 0, out + err
        return out

    def exec(self, *command, **streams):
        """The output of a program in `azcred exec`."""
        return self.run(self.azure.binary, "exec", "--", *command, **streams)

    def python(self, program):
        return self.exec(sys.executable, "-c", program).split()

    def chosen_by(self, program):
        """The object id that a program of `choose.py` gets."""
        said = self.exec(sys.executable, CHOOSE, program, "attended", input="{}\n")
        return json.loads(said)["claims"]["oid"]

    def account(self):
        """The object id of the account that azcred finds."""
        return json.loads(self.run(self.azure.binary, "whoami", "--output", "json"))["objectId"]


@pytest.fixture(scope="module", params=MACHINES)
def machine(request, azure):
    return Machine(azure, request.param)


@pytest.fixture(scope="module")
def account(machine):
    return machine.account()


def test_azure_identitys_credentials_are_the_account(machine, account):
    assert machine.python(AZURE_IDENTITY) == [account] * 5


def test_hi_ml_gets_the_account(machine, account):
    assert machine.chosen_by("hi-ml") == account


def test_kedro_gets_the_account(machine, account):
    assert machine.chosen_by("kedro") == account


def test_azureml_cores_azure_cli_authentication_is_the_account(machine, account):
    pytest.importorskip("azureml.core")
    assert machine.python(AZUREML_CORE)[-1] == account


@pytest.mark.parametrize("az", ["stand-in", "real"])
def test_azure_cli_is_the_account(machine, account, az):
    az = "az" if az == "stand-in" else os.environ["AZCRED_AZURE_CLI"]
    shown = json.loads(machine.exec(az, "account", "show"))
    assert shown["user"]["name"] == "systemAssignedIdentity"
    token = json.loads(
        machine.exec(az, "account", "get-access-token", "--resource", "https://graph.microsoft.com")
    )
    claims = jwt.decode(token["accessToken"], options={"verify_signature": False})
    assert (claims["oid"], claims["aud"]) == (account, "https://graph.microsoft.com")


def test_a_person_reads_the_workspace_by_mlclient(azure):
    assert Machine(azure, "laptop").python(ML_CLIENT) == ["True"]


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
