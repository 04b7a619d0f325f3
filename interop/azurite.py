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


@contextlib.contextmanager
def running(azure, folder):
    """Yields the variables by which a program finds the storage. The container `data` has a blob
    `day.csv`, and `tables` is empty.
    """
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
        address = f"https://localhost:{port[1]}/{ACCOUNT}"
        variables = trusted.variables | {
            "AZURE_STORAGE_ENDPOINT": address,
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        }
        make = (azure.binary, "exec", "--", sys.executable, "-c", MAKE)
        Machine(azure, "github").run(*make, variables=variables)
        yield variables
    finally:
        limit.cancel()
        process.kill()
        process.wait()
