"""A program that gives certificates, one after the other, to Azure CLI's own `az login`. Azure CLI's Python runs it.

As text_files.py. To start Azure CLI for each file would take a second.
"""

import io
import json
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout

from azure.cli.core import get_default_cli
from azure.cli.core.auth.identity import Identity

asked = json.load(sys.stdin)


def invoked(*arguments):
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            code = get_default_cli().invoke([*arguments, "--output", "none"])
        except SystemExit as ended:
            code = ended.code
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
    return {"read": True} if code == 0 else {"error": said.getvalue()}


def outcome(job):
    given = job["arguments"]
    # Otherwise it returns the token of the file before.
    shutil.rmtree(os.environ["AZURE_CONFIG_DIR"], ignore_errors=True)
    os.mkdir(os.environ["AZURE_CONFIG_DIR"])
    Identity._msal_token_cache = None
    return invoked(
        *("login", "--service-principal", "--allow-no-subscriptions"),
        *("--username", given["client"], "--tenant", given["tenant"], "--certificate", job["path"]),
    )


json.dump([outcome(job) for job in asked["jobs"]], sys.stdout)
