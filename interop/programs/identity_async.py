"""The same program as identity.py, with azure-identity's async credentials, whose transport is aiohttp."""

import asyncio
import json
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
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


async def main():
    job = json.load(sys.stdin)
    arguments = job["arguments"]
    if job["credential"] == "assertion":
        assertion = arguments.pop("assertion")
        arguments["func"] = lambda: assertion
    try:
        async with KINDS[job["credential"]](**arguments) as credential:
            first = await credential.get_token(job["scope"])
            second = await credential.get_token(job["scope"])
        answer = {"token": first.token, "expires_on": first.expires_on, "cached": first.token == second.token}
    except (ClientAuthenticationError, CredentialUnavailableError, ValueError) as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    json.dump(answer, sys.stdout)


asyncio.run(main())
