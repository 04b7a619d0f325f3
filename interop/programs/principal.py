"""A program that signs in as hi-ml or kedro-azureml-pipeline does, and reads a workspace with that.

Argument: `hi-ml` or `kedro`. Standard input: {"subscription", "resource_group", "workspace"}. Standard output:
{"oid"} of the token, and the {"workspace"}.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

import jwt
from choose import PROGRAMS, SCOPE

get, load = PROGRAMS[sys.argv[1]]
job = json.load(sys.stdin)
credential = get(load())
claims = jwt.decode(credential.get_token(SCOPE).token, options={"verify_signature": False})

from azure.ai.ml import MLClient  # noqa: E402 - the stand-ins of `choose` come first

client = MLClient(
    credential, job["subscription"], job["resource_group"], job["workspace"], enable_telemetry=False
)
json.dump({"oid": claims["oid"], "workspace": client.workspaces.get(job["workspace"]).name}, sys.stdout)
