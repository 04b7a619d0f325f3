"""Azurite, the emulator of Azure Storage, which takes the emulator's tokens: a server that others wrote. The emulator's
own Blob Storage is compared with it.

It checks a token's issuer, audience and time (`--oauth basic`).
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_https import Trusted
from machine import Machine

ACCOUNT = "devstoreaccount1"
MAIN = "azurite/dist/src/blob/main.js"
READY_WITHIN = 60


MAKE = """
import os
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
service = BlobServiceClient(os.environ["AZURE_STORAGE_ENDPOINT"], DefaultAzureCredential())
service.create_container("data").upload_blob("day.csv", b"a,b\\n1,2\\n")
"""


@dataclass
class Storage:
    """Where it is, and what trusts it."""

    port: str
    trusted: Trusted

    @property
    def variables(self):
        """By the account's name in Azure, with `route`."""
        endpoint = f"https://{ACCOUNT}.blob.core.windows.net"
        return {"AZURE_STORAGE_ENDPOINT": endpoint, "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT}

    @property
    def route(self):
        """The options of `emulator exec` that send the account's names here."""
        names = (f"{ACCOUNT}.{kind}.core.windows.net" for kind in ("blob", "dfs"))
        routes = [("--route", f"{name}=https://localhost:{self.port}") for name in names]
        return (*routes[0], *routes[1], "--route-ca", self.trusted.authority)

    def make_data(self, azure):
        """A container `data` with a blob `day.csv`."""
        command = (azure.binary, "exec", "--", sys.executable, "-c", MAKE)
        Machine(azure, "github").run(*command, variables=self.variables, options=self.route)


@contextlib.contextmanager
def started(azure, folder):
    """Starts it, and ends it."""
    modules, node = os.environ.get("AZCRED_NODE_MODULES"), shutil.which("node")
    if not (modules and node):
        pytest.skip("STORAGE IS NOT TESTED: Azurite needs Node.js, which is not installed")
    trusted = Trusted(folder, azure)
    options = ("--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry")
    https = ("--oauth", "basic", "--cert", trusted.certificate, "--key", trusted.key, "--skipApiVersionCheck")
    process = subprocess.Popen(
        [node, Path(modules) / MAIN, *options, *https],
        cwd=folder,
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
        yield Storage(port[1], trusted)
    finally:
        limit.cancel()
        process.kill()
        process.wait()
