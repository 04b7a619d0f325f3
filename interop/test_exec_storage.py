"""Clients of Azure Storage in `azcred exec`, unmodified: each gets its token from azcred's endpoint.

The storage is the emulator's own.
"""

import json
import os
import re
import sys

import pytest

from machine import MACHINES, Machine
from own_storage import ACCOUNT

pytestmark = pytest.mark.xdist_group("storage")

LIST = """
import os
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
service = BlobServiceClient(os.environ["AZURE_STORAGE_ENDPOINT"], DefaultAzureCredential())
print([blob.name for blob in service.get_container_client("data").list_blobs()])
"""


class Client(Machine):
    """A machine with a program that uses the storage."""

    def __init__(self, azure, persona, storage, folder):
        super().__init__(azure, persona)
        self.storage, self.record = storage, folder / "tokens"

    def exec(self, *command):
        """The output of a program that may have tokens of this resource only."""
        options = ("--allow", "https://storage.azure.com", "--audit", self.record)
        return self.run(self.azure.binary, "exec", *options, "--", *command, variables=self.storage)

    def tokens(self):
        """The names of the programs that got tokens."""
        return re.findall(r" token .* process=([^[]+)\[", self.record.read_text(encoding="utf-8"))


@pytest.fixture(params=MACHINES)
def client(request, azure, storage, tmp_path):
    return Client(azure, request.param, storage, tmp_path)


def test_azure_storage_blob_lists_a_container(client):
    assert client.exec(sys.executable, "-c", LIST) == "['day.csv']\n"
    assert len(client.tokens()) == 1


def test_azure_cli_lists_containers_by_a_sign_in(client):
    command = ("storage", "container", "list", "--auth-mode", "login", "--account-name", ACCOUNT)
    found = json.loads(client.exec("az", *command, "--output", "json"))
    assert {"data", "tables"} <= {container["name"] for container in found}
    assert len(client.tokens()) == 1


def test_object_store_lists_a_container(client):
    assert client.exec(os.environ["AZCRED_RUST_CLIENTS"], "list", "data") == "day.csv\n"
    assert client.tokens() == ["rust-clients"]
