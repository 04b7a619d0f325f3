"""Tokens that end while a program runs in `azcred exec`: no request of the program fails.

By hand, as it was done with five minutes of requests and tokens of 60 seconds:
AZCRED_STEADY="60 300" cargo xtask interop -- -k renewal --timeout 600
"""

import json
import os
import subprocess
import sys

import pytest

from emulator import Emulator, bare_environment
from machine import Machine
from way import HERE

# The seconds that a token lives, and that the program runs. azcred returns no token for its last ten seconds.
LIFETIME, SECONDS = map(int, os.environ.get("AZCRED_STEADY", "20 24").split())


@pytest.fixture(scope="module")
def short_lived(binary, tmp_path_factory):
    """The built-in tenant, with tokens that soon end."""
    folder = tmp_path_factory.mktemp("short-lived")
    printed = subprocess.run(
        [binary, "emulator", "seed"], env=bare_environment(folder), capture_output=True, text=True, check=True
    ).stdout
    tenant = "[[tenants]]\n"
    assert printed.count(tenant) >= 1
    seed = folder / "seed.toml"
    seed.touch(mode=0o600)
    changed = printed.replace(tenant, f"{tenant}access_token_lifetime = {LIFETIME}\n")
    seed.write_text(changed, encoding="utf-8")
    with Emulator(binary, folder, seed) as started:
        yield started


@pytest.mark.parametrize("persona", ["laptop", "github"])
def test_no_request_fails_though_tokens_end_while_the_program_runs(short_lived, persona):
    machine = Machine(short_lived, persona)
    said = machine.exec(sys.executable, HERE / "programs" / "steady.py", str(SECONDS), within=SECONDS + 90)
    for client, count in json.loads(said).items():
        print(f"\n{persona}: {client}: {count}")
        assert count["failed"] == [], client
        # Each token was good when the client had it. There was more than one, and not one for each request.
        assert count["shortest"] > 0, (client, count)
        assert 1 < count["tokens"] < count["requests"], (client, count)
