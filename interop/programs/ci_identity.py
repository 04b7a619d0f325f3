"""A program that signs in with azure-identity in a CI job, from the job's environment.

Standard input: {"credential": "pipelines" | "assertion" | "workload", "arguments": {…}, "scope", "token_file"}.
Standard output: the token, or the error. It requests the assertion from GitHub with the standard library.
"""

import json
import os
import sys
import urllib.parse
import urllib.request

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzurePipelinesCredential,
    ClientAssertionCredential,
    CredentialUnavailableError,
    WorkloadIdentityCredential,
)


def github():
    audience = urllib.parse.quote("api://AzureADTokenExchange", safe="")
    request = urllib.request.Request(
        f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience}",
        headers={"Authorization": "bearer " + os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["value"]


def credential(job):
    options = job["arguments"]
    if job["credential"] == "pipelines":
        variable = lambda name: os.environ["AZURESUBSCRIPTION_" + name]  # noqa: E731
        named = {
            "tenant_id": variable("TENANT_ID"),
            "client_id": variable("CLIENT_ID"),
            "service_connection_id": variable("SERVICE_CONNECTION_ID"),
            "system_access_token": os.environ["SYSTEM_ACCESSTOKEN"],
        }
        return AzurePipelinesCredential(**named | options)
    named = {"tenant_id": os.environ["AZURE_TENANT_ID"], "client_id": os.environ["AZURE_CLIENT_ID"]}
    if job["credential"] == "assertion":
        return ClientAssertionCredential(func=github, **named | options)
    with open(job["token_file"], "w", encoding="utf-8") as file:
        file.write(github())
    return WorkloadIdentityCredential(token_file_path=job["token_file"], **named | options)


job = json.load(sys.stdin)
try:
    with credential(job) as signed_in:
        token = signed_in.get_token(job["scope"])
    answer = {"token": token.token, "expires_on": token.expires_on}
except (ClientAuthenticationError, CredentialUnavailableError, ValueError) as error:
    answer = {"error": type(error).__name__, "message": str(error)}
json.dump(answer, sys.stdout)
