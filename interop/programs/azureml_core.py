"""A program with Azure ML's SDK v1: it reads the workspace of this folder's config.json, and submits a script.

Arguments: the authentication, and `submit` to submit; or `run-context` in a job: then the workspace is that of the run.
Standard output: {"workspace", "oid"}, and of a submitted run {"run", "status"}. What the SDK prints goes to standard
error.
"""

import contextlib
import json
import os
import subprocess
import sys

import jwt
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.authentication import (
    ArmTokenAuthentication,
    AzureCliAuthentication,
    AzureMLTokenAuthentication,
    InteractiveLoginAuthentication,
    MsiAuthentication,
    ServicePrincipalAuthentication,
    TokenAuthentication,
)


def token(resource="https://management.core.windows.net/"):
    """A token from azcred's command."""
    command = ("azcred", "token", "--resource", resource)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def service_principal():
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    return ServicePrincipalAuthentication(*(os.environ[name] for name in names))


def service_principal_of_himl():
    names = ("HIML_TENANT_ID", "HIML_SERVICE_PRINCIPAL_ID", "HIML_SERVICE_PRINCIPAL_PASSWORD")
    return ServicePrincipalAuthentication(*(os.environ[name] for name in names))


def run_token():
    """The token of a run, as the SDK itself takes it from the variables of a job."""
    names = ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME", "PROJECT_NAME")
    place = [os.environ[f"AZUREML_ARM_{name}"] for name in names]
    token, host = os.environ["AZUREML_RUN_TOKEN"], os.environ["AZUREML_SERVICE_ENDPOINT"]
    return AzureMLTokenAuthentication.create(token, None, host, *place, os.environ["AZUREML_RUN_ID"])


AUTHENTICATIONS = {
    "cli": AzureCliAuthentication,
    "interactive": InteractiveLoginAuthentication,
    "interactive-forced": lambda: InteractiveLoginAuthentication(force=True),
    "managed-identity": MsiAuthentication,
    "run-token": run_token,
    "service-principal": service_principal,
    "service-principal-of-himl": service_principal_of_himl,
    "token": lambda: TokenAuthentication(token),
    "arm-token": lambda: ArmTokenAuthentication(token()),
}


def main():
    with contextlib.redirect_stdout(sys.stderr):
        if sys.argv[1] == "run-context":
            workspace = Run.get_context(allow_offline=False).experiment.workspace
            authentication = workspace._auth
        else:
            authentication = AUTHENTICATIONS[sys.argv[1]]()
            workspace = Workspace.from_config(auth=authentication)
        header = authentication.get_authentication_header()["Authorization"]
        claims = jwt.decode(header.removeprefix("Bearer "), options={"verify_signature": False})
        result = {"workspace": workspace.name, "oid": claims["oid"]}
        if "submit" in sys.argv:
            result |= submit(workspace)
    json.dump(result, sys.stdout)


def submit(workspace):
    environment = Environment("training")
    environment.docker.base_image = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
    environment.python.user_managed_dependencies = True
    script = ScriptRunConfig("src", script="train.py", compute_target="cpu-cluster", environment=environment)
    run = Experiment(workspace, "training").submit(script)
    run.wait_for_completion(show_output=True)
    return {"run": run.id, "status": run.get_status()}


if __name__ == "__main__":
    main()
