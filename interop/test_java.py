"""A program in Java in the emulator: it reads none of the usual variables for proxies and roots."""

import json
import os
import subprocess

import pytest

from emulator import bare_environment
from way import HERE

pytestmark = pytest.mark.heavy

DISCOVERY = (
    "https://login.microsoftonline.com/common/discovery/instance?api-version=1.1"
    "&authorization_endpoint=https://login.microsoftonline.com/common/oauth2/authorize"
)
METADATA = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"


@pytest.mark.parametrize("persona", ["vm", "no-account"])
def test_javas_http_client_reaches_the_emulator_and_nothing_else(persona, binary, tmp_path):
    program = [os.environ["AZCRED_JAVA_PYTHON"], HERE / "programs" / "java_http.py"]
    done = subprocess.run(
        [
            binary,
            "emulator",
            "exec",
            "--as",
            persona,
            "--",
            *program,
            DISCOVERY,
            METADATA,
            "https://example.com/",
        ],
        env=bare_environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    discovery, metadata, elsewhere = json.loads(done.stdout)
    assert discovery[0] == 200
    assert "login.microsoftonline.com" in discovery[1]
    assert metadata[0] == (200 if persona == "vm" else 400), metadata
    assert elsewhere[0] == 0
    assert "403" in elsewhere[1], elsewhere
