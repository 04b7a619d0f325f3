"""A program that reads an Azure Machine Learning workspace with azure-ai-ml, signed in from the environment.

Standard input: {"subscription", "resource_group", "workspace", "arguments"}. Standard output: the workspace, or the
service's error.
"""

import json
import sys

from azure.ai.ml import MLClient
from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential

job = json.load(sys.stdin)
client = MLClient(
    EnvironmentCredential(**job["arguments"]),
    job["subscription"],
    job["resource_group"],
    job["workspace"],
    enable_telemetry=False,
)
try:
    workspace = client.workspaces.get(job["workspace"])
    answer = {
        "name": workspace.name,
        "id": workspace.id,
        "location": workspace.location,
        "storage_account": workspace.storage_account,
        "discovery_url": workspace.discovery_url,
        "mlflow_tracking_uri": workspace.mlflow_tracking_uri,
    }
except HttpResponseError as error:
    answer = {
        "error": error.error.code if error.error else type(error).__name__,
        "message": error.message,
        "status": error.status_code,
    }
json.dump(answer, sys.stdout)
