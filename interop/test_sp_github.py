"""Secrets for GitHub, handed over to the real GitHub CLI, which seals them for a stand-in of GitHub's API."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from test_sp import Desk
from way import HERE

pytestmark = pytest.mark.heavy

TENANT = "c0a70500-0000-4000-8000-000000000001"


class GitHub:
    """The stand-in, and the variables with which GitHub CLI uses it."""

    def __init__(self, folder):
        self.gh = Path(os.environ["AZCRED_GH"])
        self.process = subprocess.Popen(
            [self.gh.parent / "python", HERE / "github_api.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        started = json.loads(self.process.stdout.readline())
        proxy = f"http://127.0.0.1:{started['port']}"
        # azcred reaches its emulator by HTTPS_PROXY.
        self.variables = {
            "HTTP_PROXY": proxy,
            "http_proxy": proxy,
            # Go takes `localhost` for all names below it.
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "GH_HOST": "github.localhost",
            "GH_TOKEN": started["token"],
            "GH_ENTERPRISE_TOKEN": started["token"],
            "GH_CONFIG_DIR": str(folder / "gh"),
        }

    def seen(self):
        """What the stand-in was sent. It ends with that."""
        out, _ = self.process.communicate("", timeout=20)
        return json.loads(out)


@pytest.fixture
def github(tmp_path):
    started = GitHub(tmp_path)
    with started.process:
        try:
            yield started
        finally:
            started.process.kill()


@pytest.fixture
def desk(azure, github, tmp_path):
    made = Desk(azure, tmp_path)
    path = os.pathsep.join((str(github.gh.parent), made.variables["PATH"]))
    made.variables |= github.variables | {"PATH": path}
    return made


def test_github_gets_the_secret_sealed_and_the_ids_as_variables(desk, github):
    command = ("sp", "create", desk.name, "--secret", "--for", "github", "--to", "gh:contoso/train")
    done = desk.azcred(*command, "-vvv", "--output", "json")
    made = json.loads(done.stdout)
    seen = github.seen()
    assert seen["refused"] == []
    assert seen["variables"] == {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": made["clientId"]}
    [(name, secret)] = seen["secrets"].items()
    assert name == "AZURE_CLIENT_SECRET"
    assert secret not in done.stdout + done.stderr
    # It is the new principal's own.
    job = desk.elsewhere | seen["variables"] | {"AZURE_CLIENT_SECRET": secret}
    found = desk.azcred("whoami", "--output", "json", variables=job)
    assert json.loads(found.stdout)["objectId"] == made["objectId"]


@pytest.mark.parametrize(
    ("repository", "why"),
    [
        ("contoso/other", "you have the permission READ for contoso/other, and secrets need WRITE"),
        ("contoso/none", "Could not resolve to contoso/none."),
    ],
)
def test_without_the_right_to_write_secrets_nothing_is_created(desk, github, repository, why):
    command = ("sp", "create", desk.name, "--secret", "--to", f"gh:{repository}", "--output", "json")
    refused = desk.azcred(*command, code=5 if "READ" in why else 1)
    assert why in json.loads(refused.stderr)["error"]["why"]
    assert desk.az.answer("ad", "app", "list", "--display-name", desk.name) == []
