"""A program that gives files, one after the other, to azure-identity or azure-ai-ml.

Standard input: {"jobs": [{"kind", "path", "arguments"}, …], "scope"}. Standard output: for each job what the program
has read of the file: the token, or the three names of the workspace; or the error.
"""

import json
import os
import sys
from unittest.mock import MagicMock

from azure.identity import CertificateCredential, WorkloadIdentityCredential

asked = json.load(sys.stdin)


def certificate(path, arguments):
    return CertificateCredential(certificate_path=path, **arguments).get_token(asked["scope"]).token


def token(path, arguments):
    return WorkloadIdentityCredential(token_file_path=path, **arguments).get_token(asked["scope"]).token


def config(path, _):
    # Slow to import.
    from azure.ai.ml import MLClient

    os.chdir(os.path.dirname(path))
    client = MLClient.from_config(MagicMock())
    return [client.subscription_id, client.resource_group_name, client.workspace_name]


def outcome(job):
    try:
        return {"read": globals()[job["kind"]](job["path"], job["arguments"])}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


json.dump([outcome(job) for job in asked["jobs"]], sys.stdout)
