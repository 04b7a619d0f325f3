"""A program that signs in with azure-identity.

Standard input: {"credential": name, "arguments": {…}, "scope": …}. Standard output: the token, or the error. The
environment sets proxy, authority and trust, as for any program.
"""

import json
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    EnvironmentCredential,
    WorkloadIdentityCredential,
)

KINDS = {
    "secret": ClientSecretCredential,
    "certificate": CertificateCredential,
    "assertion": ClientAssertionCredential,
    "environment": EnvironmentCredential,
    "workload": WorkloadIdentityCredential,
    "default": DefaultAzureCredential,
}

job = json.load(sys.stdin)
arguments = job["arguments"]
if job["credential"] == "assertion":
    assertion = arguments.pop("assertion")
    arguments["func"] = lambda: assertion
try:
    with KINDS[job["credential"]](**arguments) as credential:
        first = credential.get_token(job["scope"])
        second = credential.get_token(job["scope"])
    answer = {"token": first.token, "expires_on": first.expires_on, "cached": first.token == second.token}
except (ClientAuthenticationError, CredentialUnavailableError, ValueError) as error:
    answer = {"error": type(error).__name__, "message": str(error)}
json.dump(answer, sys.stdout)
