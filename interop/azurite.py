"""Azurite, the emulator of Azure Storage, which takes the emulator's tokens: a server that others wrote.

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
service.create_container("tables")
service.create_container("data").upload_blob("day.csv", b"a,b\\n1,2\\n")
"""


@dataclass
class Storage:
    """How a program finds it. The container `data` has a blob `day.csv`, and `tables` is empty."""

    port: str
    trusted: Trusted

    @property
    def variables(self):
        """At its port."""
        address = f"https://localhost:{self.port}/{ACCOUNT}"
        return self.trusted.variables | self._account(address)

    @property
    def variables_by_name(self):
        """By the account's name in Azure, with `route`."""
        return self._account(f"https://{ACCOUNT}.blob.core.windows.net")

    @property
    def route(self):
        """The options of `emulator exec` that send the account's names here."""
        # Some programs request from the second whether the account has folders.
        names = (f"{ACCOUNT}.{kind}.core.windows.net" for kind in ("blob", "dfs"))
        routes = [("--route", f"{name}=https://localhost:{self.port}") for name in names]
        return (*routes[0], *routes[1], "--route-ca", self.trusted.authority)

    def _account(self, address):
        return {"AZURE_STORAGE_ENDPOINT": address, "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT}


@contextlib.contextmanager
def running(azure, folder):
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
        started = Storage(port[1], trusted)
        make = (azure.binary, "exec", "--", sys.executable, "-c", MAKE)
        Machine(azure, "github").run(*make, variables=started.variables)
        yield started
    finally:
        limit.cancel()
        process.kill()
        process.wait()
