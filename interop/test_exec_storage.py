"""Clients of Azure Storage in `azcred exec`, unmodified: each gets its token from azcred's endpoint.

The storage is Azurite, which checks a token's issuer, audience and time (`--oauth basic`).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local_https import Trusted
from machine import MACHINES, Machine

pytestmark = pytest.mark.xdist_group("azurite")

ACCOUNT = "devstoreaccount1"
AZURITE = "azurite/dist/src/blob/main.js"
READY_WITHIN = 60

MAKE = """
import os
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
container = BlobServiceClient(os.environ["AZURE_STORAGE_ENDPOINT"], DefaultAzureCredential()).create_container("data")
container.upload_blob("day.csv", b"1,2")
"""

LIST = """
import os
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
service = BlobServiceClient(os.environ["AZURE_STORAGE_ENDPOINT"], DefaultAzureCredential())
print([blob.name for blob in service.get_container_client("data").list_blobs()])
"""


@pytest.fixture(scope="module")
def storage(azure, tmp_path_factory):
    """The variables by which a program finds the storage, with a container that has a blob."""
    modules, node = os.environ.get("AZCRED_NODE_MODULES"), shutil.which("node")
    if not (modules and node):
        pytest.skip("STORAGE IS NOT TESTED: Azurite needs Node.js, which is not installed")
    trusted = Trusted(tmp_path_factory.mktemp("trusted"), azure)
    options = ("--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry")
    https = ("--oauth", "basic", "--cert", trusted.certificate, "--key", trusted.key, "--skipApiVersionCheck")
    process = subprocess.Popen(
        [node, Path(modules) / AZURITE, *options, *https],
        cwd=tmp_path_factory.mktemp("azurite"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # A server that never gets ready is ended, which ends the loop.
    limit = threading.Timer(READY_WITHIN, process.kill)
    limit.start()
    try:
        lines, port = [], None
        for line in process.stdout:
            lines.append(line)
            if port := re.search(r"listens on https://127\.0\.0\.1:(\d+)", line):
                break
        limit.cancel()
        assert port, "".join(lines)
        # Nothing reads its log, so that it must not block.
        drain = threading.Thread(target=lambda: list(process.stdout), daemon=True)
        drain.start()
        address = f"https://localhost:{port[1]}/{ACCOUNT}"
        variables = trusted.variables | {
            "AZURE_STORAGE_ENDPOINT": address,
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        }
        Machine(azure, "github").exec(sys.executable, "-c", MAKE, variables=variables)
        yield variables
    finally:
        limit.cancel()
        process.kill()
        process.wait()


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
    where = ("--blob-endpoint", client.storage["AZURE_STORAGE_ENDPOINT"], "--output", "json")
    assert [container["name"] for container in json.loads(client.exec("az", *command, *where))] == ["data"]
    assert len(client.tokens()) == 1


def test_object_store_lists_a_container(client):
    assert client.exec(os.environ["AZCRED_RUST_CLIENTS"], "blobs", "data") == "day.csv\n"
    assert client.tokens() == ["rust-clients"]
