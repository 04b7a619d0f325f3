"""Azurite, the emulator of Azure Storage, which takes the emulator's tokens: a server that others wrote. The emulator's
own Blob Storage is compared with it.

It checks a token's issuer, audience and time (`--oauth basic`).
"""

import contextlib
import os
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_https import Trusted

ACCOUNT = "devstoreaccount1"
MAIN = "azurite/dist/src/blob/main.js"
READY_WITHIN = 60


@dataclass
class Storage:
    """Where it is, and what trusts it."""

    port: str
    trusted: Trusted


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
