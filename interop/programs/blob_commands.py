"""Blobs put, listed, got and deleted by programs of the command line, as their documentation says.

Arguments: the program, its file, as who it signs in, a blob, containers, with `=STEP,STEP` for some steps only.
Standard output: a line of JSON for each step: the container, the step, and what came of it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ACCOUNT, ENDPOINT = os.environ["AZURE_STORAGE_ACCOUNT_NAME"], os.environ["AZURE_STORAGE_ENDPOINT"]
FOLDER = Path(tempfile.mkdtemp())
FILE, GOT = FOLDER / "day.csv", FOLDER / "got"
FILE.write_bytes(b"a,b\n1,2\n")


def az(program, container, blob):
    where = ("--auth-mode", "login", "--account-name", ACCOUNT, "--only-show-errors", "--output", "tsv")
    command = ("az", "storage", "blob")
    return {
        "upload": [*command, "upload", *where, "-c", container, "-f", FILE, "-n", blob, "--query", "[]"],
        "list": [*command, "list", *where, "-c", container, "--query", "[].name"],
        "download": [
            *(*command, "download", *where, "-c", container, "-n", blob, "-f", GOT, "--no-progress"),
            *("--query", "[]"),
        ],
        "delete": [*command, "delete", *where, "-c", container, "-n", blob],
    }


def azcopy(program, container, blob):
    url = f"{ENDPOINT}/{container}"
    return {
        "upload": [program, "copy", FILE, f"{url}/{blob}"],
        "list": [program, "list", url],
        "download": [program, "copy", f"{url}/{blob}", GOT],
        "delete": [program, "remove", f"{url}/{blob}"],
    }


def rclone(program, container, blob):
    remote = f":azureblob,account={ACCOUNT},{RCLONES}:{container}"
    once = ("--retries", "1", "--low-level-retries", "1")
    return {
        "upload": [program, "copyto", FILE, f"{remote}/{blob}", *once],
        "list": [program, "lsf", remote, *once],
        "download": [program, "copyto", f"{remote}/{blob}", GOT, *once],
        "delete": [program, "deletefile", f"{remote}/{blob}", *once],
    }


def sign_in(name, who):
    """What the program needs before its first step."""
    global RCLONES
    in_exec = who != "AZURE_*"
    if name == "az" and not in_exec:
        subprocess.run(
            ["az", "login", "--output", "none", "--allow-no-subscriptions", "--service-principal"]
            + ["--username", os.environ["AZURE_CLIENT_ID"], "--password", os.environ["AZURE_CLIENT_SECRET"]]
            + ["--tenant", os.environ["AZURE_TENANT_ID"]],
            check=True,
        )
    if name == "azcopy":
        os.environ["AZCOPY_AUTO_LOGIN_TYPE"] = "MSI" if in_exec else "SPN"
        if not in_exec:
            os.environ["AZCOPY_TENANT_ID"] = os.environ["AZURE_TENANT_ID"]
            os.environ["AZCOPY_SPA_APPLICATION_ID"] = os.environ["AZURE_CLIENT_ID"]
            os.environ["AZCOPY_SPA_CLIENT_SECRET"] = os.environ["AZURE_CLIENT_SECRET"]
    RCLONES = "env_auth=true"
    if name == "rclone-debian":
        RCLONES = "use_msi=true"
        if not in_exec:
            file = FOLDER / "principal.json"
            names = {"appId": "CLIENT_ID", "password": "CLIENT_SECRET", "tenant": "TENANT_ID"}
            file.write_text(json.dumps({key: os.environ[f"AZURE_{name}"] for key, name in names.items()}))
            RCLONES = f"service_principal_file={file}"


def main():
    name, program, who, blob, *containers = sys.argv[1:]
    sign_in(name, who)
    steps = {"az": az, "azcopy": azcopy, "rclone": rclone, "rclone-debian": rclone}[name]
    for container in containers:
        container, _, wanted = container.partition("=")
        for step, command in steps(program, container, blob).items():
            if wanted and step not in wanted.split(","):
                continue
            GOT.unlink(missing_ok=True)
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                answer = {"error": done.stdout + done.stderr}
            else:
                answer = {"found": GOT.read_text() if GOT.exists() else done.stdout}
            print(json.dumps({"container": container, "step": step} | answer), flush=True)


main()
