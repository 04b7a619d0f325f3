"""The stand-in for Azure CLI beside the real one, and programs that run `az`.

On the emulator's laptop, Azure CLI is signed in. The stand-in reads the same folder, so that the two have the same
subscriptions and tokens, and must print the same. The folder has more subscriptions, whose names need quotes in YAML,
are wide, or are not in ASCII.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from azure_cli import ENDS_WITHIN, AzureCli
from way import ARM, HERE

pytestmark = [
    pytest.mark.xdist_group("az"),
    pytest.mark.skipif(os.name != "posix", reason="on Windows, az is a script"),
]

TOKEN = "account get-access-token"
SHOW = "account show"
LIST = "account list"
FORMATS = ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"]
NAMES = [
    "it's: a #name",
    "2026-11-30",
    "Müller 日本",
    "null",
    "- dash",
    "1.5",
    " space",
    "a: b",
    "yes",
    "x" * 60,
]

# Queries that programs and scripts use, and shapes that the formats treat differently.
QUERIES = {
    TOKEN: [
        "accessToken",
        "[tenant, subscription]",
        "{b: tenant, a: subscription}",
        "nothing",
        "tokenType",
        "@",
        "sort(keys(@))",
        "length(@)",
    ],
    SHOW: [
        "id",
        "user",
        "user.name",
        "{name: name, id: id}",
        "isDefault",
        "managedByTenants",
        "[name, isDefault, nothing]",
        "{a: {c: name, b: id}, z: [id]}",
        "nothing",
    ],
    LIST: [
        "[].{Name: name, Id: id}",
        "[].name",
        "[].isDefault",
        "[?isDefault].id | [0]",
        "[?isDefault].{name: name, id: id} | [0]",
        "[0].user",
        "[].user",
        "[].[name, state]",
        "length(@)",
        "sort_by([], &name)[].name",
        "[].{name: name, user: user.name, nothing: nothing}",
        "[?contains(name, 'ML')].name",
        "[]",
    ],
}
# Outputs that end in an error: only the first line is Azure CLI's.
WRONG = [
    f"{TOKEN} --tenant x --subscription y",
    f"{TOKEN} --subscription nope",
    f"{SHOW} --subscription nope",
    f"{SHOW} --bogus",
    f"{SHOW} -o bogus",
    f"{TOKEN} --resource-type bogus",
    f"{TOKEN} --resource",
    f"{SHOW} --query [",
    f"{SHOW} --query nothing(@)",
    "account set",
    "account set -s nope",
]


@pytest.fixture(scope="module")
def laptop(world, binary, tmp_path_factory):
    """The real Azure CLI and the stand-in, with a folder of Azure CLI that both read."""
    folder = tmp_path_factory.mktemp("laptop")
    variables = world.emulator.environment("names", "laptop")
    azure = folder / "azure"
    shutil.copytree(variables["AZURE_CONFIG_DIR"], azure)
    path = azure / "azureProfile.json"
    profile = json.loads(path.read_text(encoding="utf-8-sig"))
    one = profile["subscriptions"][0]
    for number, name in enumerate(NAMES):
        state = "Disabled" if number == 1 else "Enabled"
        other = {
            "id": f"5ec0ffee-00aa-4000-8000-{number:012}",
            "name": name,
            "isDefault": False,
            "state": state,
        }
        profile["subscriptions"].append(one | other)
    path.write_text(json.dumps(profile), encoding="utf-8")
    # Azure CLI then need not ask for a token.
    real = AzureCli(azure, variables | {"HOME": str(folder)})
    real.token("--resource", ARM)
    (folder / "bin").mkdir()
    (folder / "bin" / "az").symlink_to(binary)
    return Laptop(real, folder)


class Laptop:
    def __init__(self, real, folder):
        self.real, self.folder = real, folder
        self.stand_in = folder / "bin" / "az"
        path = f"{folder / 'bin'}:/usr/bin:/bin"
        self.variables = real.variables | {"PATH": path, "AZCRED_HOME": str(folder / "azcred")}

    def run(self, program, arguments):
        return subprocess.run(
            [program, *arguments],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=ENDS_WITHIN,
        )

    def ours(self, arguments):
        return self.run(self.stand_in, arguments)

    def both(self, *arguments):
        """The two outputs of a command: the real one's and the stand-in's."""
        return self.run(self.real.program, arguments), self.ours(arguments)


def masked(text):
    """Without times: Azure CLI computes the end of a token that it has stored from the time now."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", "[TIME]", text)
    return re.sub(r"\b1[789]\d{8}\b", "[SECONDS]", text)


def seen(done):
    return done.returncode, masked(done.stdout), masked(done.stderr)


def both(laptop, lines):
    """The exit codes, outputs and errors of the real Azure CLI and of the stand-in, for each line."""
    real = subprocess.run(
        [Path(laptop.real.program).with_name("python"), HERE / "programs" / "az_lines.py"],
        input=json.dumps(lines),
        env=laptop.variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=ENDS_WITHIN,
    )
    assert real.returncode == 0, real.stderr
    with ThreadPoolExecutor(4) as threads:
        ours = list(threads.map(laptop.ours, lines))
    theirs = [(code, masked(stdout), stderr) for code, stdout, stderr in json.loads(real.stdout)]
    return zip(lines, theirs, map(seen, ours), strict=True)


@pytest.mark.parametrize("command", [TOKEN, SHOW, LIST])
def test_every_output_of_a_command_is_azure_clis(command, laptop):
    words = command.split()
    scope = ["--resource", ARM] if command == TOKEN else []
    lines = [[*words, *scope]]
    lines += [[*words, *scope, "--output", name] for name in FORMATS]
    lines += [
        [*words, *scope, "--output", name, "--query", query]
        for query in QUERIES[command]
        for name in ("json", "yaml", "table", "tsv")
    ]
    if command == LIST:
        lines += [[*words, "--all"], [*words, "--all", "-o", "table"]]
    wrong = [
        f"{line}\n  az:     {real!r}\n  azcred: {ours!r}"
        for line, real, ours in both(laptop, lines)
        if real[:2] != ours[:2]
    ]
    assert not wrong, "\n".join(wrong)


def test_an_error_begins_with_azure_clis_sentence_and_has_its_exit_code(laptop):
    for line, real, ours in both(laptop, [line.split() for line in WRONG]):
        assert real[0] == ours[0], line
        assert real[2].splitlines()[0] == ours[2].splitlines()[0], line


def test_without_an_account_the_sentence_is_azure_clis(laptop, world, tmp_path):
    variables = world.emulator.environment("names", "no-account") | {"AZURE_CONFIG_DIR": str(tmp_path)}
    nobody = Laptop(AzureCli(tmp_path, variables), laptop.folder)
    for line in (TOKEN, SHOW):
        real, ours = nobody.both(*line.split())
        assert real.stderr.splitlines()[0] == ours.stderr.splitlines()[0], line
        assert (real.returncode, real.stdout) == (ours.returncode, ours.stdout), line


def test_the_version_has_the_members_that_terraform_reads(laptop):
    real, ours = (json.loads(done.stdout) for done in laptop.both("version", "-o=json"))
    assert real.pop("extensions") == {}
    assert list(ours.pop("extensions")) == ["azcred"]
    assert real == ours


def test_other_commands_go_to_the_real_one_with_its_exit_codes(laptop):
    path = f"{laptop.folder / 'bin'}:{Path(laptop.real.program).parent}:/usr/bin:/bin"
    beside = Laptop(laptop.real, laptop.folder)
    beside.variables |= {"PATH": path}
    real, ours = beside.both("group", "list", "--query", "[].name")
    assert (real.returncode, real.stdout) == (ours.returncode, ours.stdout)
    assert json.loads(ours.stdout) is not None
    real, ours = beside.both("account", "bogus")
    assert seen(real) == seen(ours)


# --- programs that run `az`

SYNC = f"from azure.identity import AzureCliCredential as C; print(C().get_token('{ARM}/.default').token)"
ASYNC = f"""
import asyncio
from azure.identity.aio import AzureCliCredential as C
async def main():
    async with C() as credential:
        print((await credential.get_token_info('{ARM}/.default')).token)
asyncio.run(main())
"""
CHAIN = (
    f"from azure.identity import DefaultAzureCredential as C; print(C().get_token('{ARM}/.default').token)"
)
TENANT = SYNC.replace("C()", "C(tenant_id=__import__('os').environ['HOME_TENANT'])")
NODE = (
    "const { AzureCliCredential: C } = require('@azure/identity'); "
    f"new C().getToken('{ARM}/.default').then((t) => console.log(t.token), (e) => console.error(e.message));"
)


def token_of(laptop, command, **variables):
    done = subprocess.run(
        command,
        env=laptop.variables | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
    )
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.parametrize("program", [SYNC, ASYNC, CHAIN, TENANT], ids=["sync", "async", "chain", "tenant"])
def test_azure_identity_for_python_gets_its_token_from_the_stand_in(program, laptop, world):
    ours = subprocess.run(
        [laptop.stand_in, *f"{TOKEN} --resource {ARM} --query accessToken -o tsv".split()],
        env=laptop.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    variables = {"AZURE_TOKEN_CREDENTIALS": "dev", "HOME_TENANT": world.people.home}
    code, token, stderr = token_of(laptop, [sys.executable, "-c", program], **variables)
    assert (code, token) == (0, ours.stdout.strip()), stderr


def test_azure_identity_for_node_gets_its_token_from_the_stand_in(laptop):
    node, modules = shutil.which("node"), os.environ.get("AZCRED_NODE_MODULES")
    if not (node and modules):
        pytest.skip("NOT RUN: Node.js is not installed")
    code, token, stderr = token_of(laptop, [node, "-e", NODE], NODE_PATH=modules)
    assert (code, token.count(".")) == (0, 2), stderr


def test_azure_identity_goes_on_where_no_account_is_signed_in(laptop, world, tmp_path):
    variables = world.emulator.environment("names", "no-account") | {"AZURE_CONFIG_DIR": str(tmp_path)}
    nobody = Laptop(AzureCli(tmp_path, variables), laptop.folder)
    # A class of its own: chains go on after it.
    code, _, stderr = token_of(nobody, [sys.executable, "-c", SYNC])
    assert code == 1
    assert "CredentialUnavailableError: Please run 'az login' to set up an account" in stderr, stderr


def test_azure_identity_ends_where_the_sign_in_is_rejected(laptop):
    program = SYNC.replace(f"{ARM}/.default", "https://nothing.example/.default")
    code, _, stderr = token_of(laptop, [sys.executable, "-c", program])
    assert code == 1
    assert "ClientAuthenticationError: ERROR: " in stderr and "AADSTS500011" in stderr, stderr


# --- inside `azcred exec`


def test_a_sign_in_as_the_machines_identity_is_the_real_ones_inside_exec(world, binary):
    inside = [binary, "exec", "--", "sh", "-c", 'for az in az "$0"; do "$az" login --identity; done']
    variables = world.emulator.environment("names", "service-principal")
    done = subprocess.run(
        [*inside, AzureCli(Path(), variables).program],
        env=variables,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = done.stdout.split("]\n[")
    assert f"{ours}]\n" == f"[{theirs}"


# --- at a terminal


@pytest.mark.parametrize("name", ["jsonc", "yamlc"])
def test_a_terminal_shows_azure_clis_colours(name, laptop):
    """Without those of white space, which Azure CLI colours too."""

    def at_a_terminal(program):
        import pty

        master, terminal = pty.openpty()
        arguments = [program, *SHOW.split(), "--output", name, "--subscription", NAMES[2]]
        variables = {name: value for name, value in laptop.variables.items() if "NO_COLOR" not in name}
        with subprocess.Popen(
            arguments,
            env=variables | {"TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
        ) as process:
            os.close(terminal)
            text = b""
            try:
                while piece := os.read(master, 1 << 16):
                    text += piece
            except OSError:
                pass
            os.close(master)
        assert process.returncode == 0
        text = text.decode().replace("\r\n", "\n").replace("\x1b[39;49;00m", "\x1b[0m")
        return re.sub(r"\x1b\[37m(\s*)\x1b\[0m", r"\1", text)

    ours = at_a_terminal(laptop.stand_in)
    assert "\x1b[" in ours
    assert ours == at_a_terminal(laptop.real.program)
