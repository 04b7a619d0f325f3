"""The request that `azcred sp create` prints for an administrator: it is carried out as it stands, by Azure CLI and by
azcred with Azure CLI's account."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from azure_cli import AzureCli
from emulator import Emulator

pytestmark = pytest.mark.xdist_group("az")

ROLE = "AzureML Data Scientist"
OWNER = 'principal = "ada@contoso.com"\nrole = "Owner"'
ADMINISTRATOR = 'id = "d0000001-0000-4000-8000-000000000009"'
SUBSCRIPTION = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"


@pytest.fixture
def closed(binary, tmp_path):
    """A tenant in which Ada may neither create applications nor assign roles, and an application that may both."""
    text = subprocess.run([binary, "emulator", "seed"], capture_output=True, text=True, check=True).stdout
    for old, new in (
        ('country = "NL"', 'country = "NL"\nusers_may_create_applications = false'),
        ('directory_roles = ["Global Administrator"]', "directory_roles = []"),
        (OWNER, OWNER.replace("Owner", "Reader")),
        (ADMINISTRATOR, f'{ADMINISTRATOR}, directory_roles = ["Application Administrator"]'),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    text += (
        '\n[[role_assignments]]\nprincipal = "azcred-contributor"\n'
        f'role = "User Access Administrator"\nscope = "{SUBSCRIPTION}"\n'
    )
    seed = tmp_path / "seed.toml"
    seed.write_text(text)
    with Emulator(binary, tmp_path / "emulator", seed) as emulator:
        yield emulator


@pytest.mark.parametrize("by", ["azureCli", "azcred"])
def test_an_administrator_carries_the_request_out_and_the_person_finishes(by, closed, tmp_path):
    person = closed.environment("names", "laptop")

    def create(*more, code=0):
        done = closed.azcred("sp", "create", "ci", "--output", "json", *more, env=person)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    request = create(code=5)["request"]
    assert "User Access Administrator" in request["text"]
    administrator = AzureCli(tmp_path / "az", closed.environment("names", "no-account"))
    known = next(one for one in closed.info["identities"] if one["name"] == "azcred-contributor")
    administrator.login_service_principal(known["client_id"], known["secret"], known["tenant_id"])
    folders = (Path(administrator.program).parent, Path(closed.binary).parent, os.environ["PATH"])
    programs = os.pathsep.join(map(str, folders))
    script = "\n".join(("set -e", *request[by]))
    # The administrator's machine names no workspace.
    kept = {name: value for name, value in administrator.variables.items() if not name.startswith("AZUREML_")}
    done = subprocess.run(
        ["sh", "-c", script],
        env=kept | {"PATH": programs},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    [client_id, *_] = re.search("Client id:? +([0-9a-f-]{36})", done.stdout).groups()
    made = create("--client-id", client_id)
    assert (made["clientId"], made["isNew"]) == (client_id, False)
    assert [one["isNew"] for one in made["roles"]] == [False]
