"""The programs of checks.py on this machine: how each is started, and what is not installed."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

# What the shell runs, of programs that need no driver. It has the persona's variables, and the storage's.
AZ_TOKEN = "az account get-access-token --query accessToken --output tsv"
AZ_LOGIN = "az login --output none --allow-no-subscriptions"
AS_APPLICATION = '--service-principal --username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID"'
AZCOPY_DOWNLOAD = (
    'cd "$(mktemp -d)" && "$AZCOPY" copy "$AZURE_STORAGE_ENDPOINT/data/day.csv" day.csv && cat day.csv'
)
RCLONE_LIST = '"$RCLONE" lsf ":azureblob,account=$AZURE_STORAGE_ACCOUNT_NAME,{}=true:data"'
SCRIPTS = {
    "`az account get-access-token`": AZ_TOKEN,
    "`az login --use-device-code`": f"{AZ_LOGIN} --use-device-code && {AZ_TOKEN}",
    "`az storage blob list --auth-mode login`": (
        'az storage blob list --auth-mode login --account-name "$AZURE_STORAGE_ACCOUNT_NAME" --container-name data '
        "--query '[].name' --output tsv"
    ),
    "`az login --service-principal`": (
        f'{AZ_LOGIN} {AS_APPLICATION} --password "$AZURE_CLIENT_SECRET" && {AZ_TOKEN}'
    ),
    "`az login --federated-token`": (
        f'{AZ_LOGIN} {AS_APPLICATION} --federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")" && {AZ_TOKEN}'
    ),
    "`az login --federated-token` with a job's token": (
        'url="$ACTIONS_ID_TOKEN_REQUEST_URL&audience=api://AzureADTokenExchange" && '
        'token="$(curl -sS --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$url" | '
        'sed \'s/.*"value": *"\\([^"]*\\).*/\\1/\')" && '
        f'{AZ_LOGIN} {AS_APPLICATION} --federated-token "$token" && {AZ_TOKEN}'
    ),
    "`az login --identity`": f"{AZ_LOGIN} --identity && {AZ_TOKEN}",
    "`AZCOPY_AUTO_LOGIN_TYPE=SPN`": (
        'export AZCOPY_AUTO_LOGIN_TYPE=SPN AZCOPY_TENANT_ID="$AZURE_TENANT_ID" '
        'AZCOPY_SPA_APPLICATION_ID="$AZURE_CLIENT_ID" AZCOPY_SPA_CLIENT_SECRET="$AZURE_CLIENT_SECRET"; '
        + AZCOPY_DOWNLOAD
    ),
    **{
        f"`AZCOPY_AUTO_LOGIN_TYPE={kind}`": f"export AZCOPY_AUTO_LOGIN_TYPE={kind}; {AZCOPY_DOWNLOAD}"
        for kind in ("WORKLOAD", "MSI", "AZCLI")
    },
    **{f"`{option}`": RCLONE_LIST.format(option) for option in ("env_auth", "use_msi", "use_az")},
}
VERSIONS = {
    "az": "az version --query '\"azure-cli\"' --output tsv",
    "azcopy": '"$AZCOPY" --version',
    "rclone": '"$RCLONE" version',
    "rclone-debian": '"$RCLONE" version',
}


def named(variable):
    """A program that `cargo xtask interop` names in a variable. Empty if it has not installed it."""
    return os.environ.get(variable, "")


def modules():
    return Path(named("AZCRED_NODE_MODULES") or HERE / "no-node-modules")


def beside(variable, program):
    """A program in the folder of another."""
    return str(Path(named(variable)).with_name(program)) if named(variable) else ""


@functools.cache
def azcopy():
    """azcopy's file, if it starts here: it is linked with a library that a system without a desktop lacks."""
    file = modules() / "@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64"
    if not file.is_file():
        return ""
    # npm runs no script of a package, and so nothing has made it executable.
    os.chmod(file, 0o755)
    started = subprocess.run([file, "--help"], env=os.environ | variables("azcopy"), capture_output=True)
    return "" if started.returncode == 127 else str(file)


def variables(by):
    """What a program of this kind needs in its environment."""
    libraries = named("AZCRED_AZCOPYS_LIBRARIES")
    return {"LD_LIBRARY_PATH": libraries} if by == "azcopy" and libraries else {}


def program(by, runtime):
    """The program's file, or an empty string. Without it, the checks are not run."""
    found = {
        "python": lambda: sys.executable,
        "python-sdk-v1": lambda: named("AZCRED_SDK_V1"),
        "python-heavy": lambda: named("AZCRED_PROGRAMS_PYTHON"),
        "python-graph": lambda: named("AZCRED_GRAPH_PYTHON"),
        "java": lambda: named("AZCRED_JAVA_PYTHON"),
        "node": lambda: str(modules() / f"node{runtime}/bin/node"),
        "rust": lambda: named("AZCRED_RUST_CLIENTS"),
        "az": lambda: named("AZCRED_AZURE_CLI"),
        "azcopy": azcopy,
        "rclone-debian": lambda: named("AZCRED_DEBIAN_RCLONE"),
        "rclone": lambda: beside("AZCRED_PROGRAMS_PYTHON", "rclone"),
    }[by]()
    return found if Path(found).is_file() else ""


def is_heavy(by):
    """Whether only `cargo xtask interop --all` installs it."""
    return by in ("python-heavy", "python-graph", "java", "rclone", "rclone-debian")


def command(by, runtime, library, ways):
    """The command that tries these ways, one after the other."""
    start = program(by, runtime)
    plain = [way.replace("`", "") for way in ways]
    if by == "rust":
        return [start, "works", library, *plain]
    if by == "node":
        return [start, HERE / "programs/works.mjs", modules(), library, *plain]
    if by.startswith("python"):
        return [start, HERE / "programs/works.py", library, *plain]
    if by == "java":
        return [start, HERE / "programs/java_http.py", *plain]
    (way,) = ways
    # The version, a line of dashes, the result.
    return [
        "sh",
        "-c",
        f'{by.partition("-")[0].upper()}="{start}"; {VERSIONS[by]} && echo --- && {SCRIPTS[way]}',
    ]


def version_in(text):
    """The first version that a program prints."""
    return re.search(r"\d+(\.\d+)+", text)[0]
