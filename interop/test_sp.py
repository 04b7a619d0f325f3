"""Service principals that `azcred sp` makes, used by the programs that they are for; and those of Azure CLI, read by
azcred."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from azure_cli import AzureCli
from emulator import bare_environment
from way import GROUP, HERE, WORKSPACE

SUBSCRIPTION = "5ec0ffee-0001-4000-8000-000000000001"
SCOPE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
)
ROLE = "AzureML Data Scientist"
JOB = {"subscription": SUBSCRIPTION, "resource_group": GROUP, "workspace": WORKSPACE}
PYTHON = sys.version_info

pytestmark = pytest.mark.xdist_group("az")


class Desk:
    """A person's laptop with Azure CLI, and a project on it."""

    def __init__(self, azure, folder):
        self.azure, self.folder = azure, folder
        variables = azure.environment("names", "laptop")
        self.az = AzureCli(variables["AZURE_CONFIG_DIR"], variables)
        own = {"HOME": str(folder / "home"), "USERPROFILE": str(folder / "home")}
        self.variables = self.az.variables | own
        # A machine without any account, on which the new principal's programs run.
        self.elsewhere = azure.environment("names", "no-account") | own
        config = {"subscription_id": SUBSCRIPTION, "resource_group": GROUP, "workspace_name": WORKSPACE}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        self.name = f"nightly-{uuid.uuid4().hex[:8]}"

    def run(self, *command, input="", variables=None, code=0):
        done = subprocess.run(
            [str(one) for one in command],
            env=variables or self.variables,
            cwd=self.folder,
            input=input,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def azcred(self, *arguments, **options):
        return self.run(self.azure.binary, *arguments, **options)

    def sp(self, *arguments):
        return json.loads(self.azcred("sp", *arguments, "--output", "json").stdout)

    def with_file(self, file, *command, input=""):
        """Runs a program elsewhere with the variables of a file, as a shell reads them."""
        script = 'set -a; . "$0"; set +a; exec "$@"'
        return self.run(
            *("sh", "-c", script, self.folder / file, *command), input=input, variables=self.elsewhere
        )

    def as_principal(self, program, file):
        """Who a program of the new principal is, and the workspace that it reads."""
        command = (sys.executable, HERE / "programs" / "principal.py", program)
        return json.loads(self.with_file(file, *command, input=json.dumps(JOB)).stdout)


@pytest.fixture
def desk(azure, tmp_path):
    return Desk(azure, tmp_path)


def secret_in(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if "SECRET=" in line or "PASSWORD=" in line]
    return line.split("=", 1)[1]


def test_hi_mls_sixteen_steps_are_one_command(desk):
    """From a person who is signed in, to `get_credential()` as the new principal."""
    made = desk.sp("create", desk.name, "--for", "himl", "--to", "himl.env")
    secret = secret_in(desk.folder / "himl.env")
    assert secret not in json.dumps(made)
    found = desk.as_principal("hi-ml", "himl.env")
    assert found == {"oid": made["objectId"], "workspace": WORKSPACE}
    [role] = desk.sp("show", desk.name)["roles"]
    assert (role["role"], role["scope"]) == (ROLE, SCOPE)


@pytest.mark.skipif(PYTHON < (3, 11), reason="kedro-azureml-pipeline needs Python 3.11")
def test_kedros_three_steps_are_one_command(desk):
    """From a person who is signed in, to `get_azureml_credentials()` as the new principal."""
    made = desk.sp("create", desk.name, "--for", "azure", "--to", "kedro.env")
    found = desk.as_principal("kedro", "kedro.env")
    assert found == {"oid": made["objectId"], "workspace": WORKSPACE}


def test_hi_ml_runs_as_the_account_of_the_profile_without_any_secret_of_its_own(desk):
    made = desk.sp("create", desk.name, "--for", "himl", "--to", "encrypted-file")
    program = (sys.executable, HERE / "programs" / "principal.py", "hi-ml")
    here = {name: value for name, value in desk.variables.items() if name != "AZURE_CONFIG_DIR"}
    done = desk.azcred(
        *("exec", "--profile", desk.name, "--", *program), input=json.dumps(JOB), variables=here
    )
    assert json.loads(done.stdout)["oid"] == made["objectId"]


def test_azcred_reads_what_azure_cli_made(desk):
    """kedro's own line."""
    made = desk.az.answer(
        *("ad", "sp", "create-for-rbac", "--name", desk.name, "--role", ROLE, "--scopes", SCOPE)
    )
    shown = desk.sp("show", "--client-id", made["appId"])
    assert (shown["name"], shown["isMadeByAzcred"]) == (desk.name, False)
    assert [(one["type"], one["isExpired"]) for one in shown["keys"]] == [("secret", False)]
    assert [(one["role"], one["scope"]) for one in shown["roles"]] == [(ROLE, SCOPE)]
    # By its name alone, azcred does not touch it.
    refused = desk.azcred("sp", "show", desk.name, code=1)
    assert made["appId"] in refused.stderr


def test_azure_cli_reads_uses_and_deletes_what_azcred_made(desk):
    file = desk.folder / "sp.json"
    desk.sp("create", desk.name, "--for", "json", "--to", file)
    made = json.loads(file.read_text(encoding="utf-8"))
    client_id = made["appId"]
    assert desk.az.answer("ad", "sp", "show", "--id", client_id)["displayName"] == desk.name
    [key] = desk.az.answer("ad", "app", "credential", "list", "--id", client_id)
    [role] = desk.az.answer("role", "assignment", "list", "--all", "--assignee", client_id)
    assert (role["roleDefinitionName"], role["scope"]) == (ROLE, SCOPE)
    own = AzureCli(desk.folder / "az", desk.elsewhere)
    own.login_service_principal(client_id, made["password"], made["tenant"])
    assert own.token()["tenant"] == made["tenant"]
    assert own.answer("account", "show")["user"] == {"name": client_id, "type": "servicePrincipal"}
    assert desk.az.run("ad", "app", "delete", "--id", client_id).returncode == 0
    gone = desk.azcred("sp", "show", "--client-id", client_id, code=1)
    assert client_id in gone.stderr and key["keyId"] not in gone.stderr


def environments(pid):
    """The command line and the environment of a process, as others on the machine see them."""
    for name in ("cmdline", "environ"):
        try:
            yield Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue


def test_the_secret_is_in_the_file_and_nowhere_else(desk):
    """Neither on the screen, nor in the loudest log, an argument or the environment of the command or a child."""
    folder = desk.folder / "tools"
    folder.mkdir()
    calls = desk.folder / "calls"
    for tool in ("git", "az"):
        # It records what everyone sees of it.
        real = {"git": "/usr/bin/git", "az": os.environ["AZCRED_AZURE_CLI"]}[tool]
        script = (
            f"#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/cmdline >> {calls}\nenv >> {calls}\nexec {real} \"$@\"\n"
        )
        (folder / tool).write_text(script, encoding="utf-8")
        (folder / tool).chmod(0o755)
    (desk.folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", desk.folder], check=True, env=bare_environment(desk.folder))
    path = os.pathsep.join((str(folder), desk.variables["PATH"]))
    command = [str(desk.azure.binary), "sp", "create", desk.name, "--for", "dotenv", "-vvv"]
    with subprocess.Popen(
        command,
        env=desk.variables | {"PATH": path},
        cwd=desk.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        seen = list(environments(process.pid))
        out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err.decode()
    file = desk.folder / ".env"
    secret = secret_in(file).encode()
    assert len(secret) > 30
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"git" in calls.read_bytes()
    for text in (out, err, calls.read_bytes(), *seen):
        assert secret not in text
    for other in desk.folder.rglob("*"):
        if other.is_file() and other != file:
            assert secret not in other.read_bytes(), other
