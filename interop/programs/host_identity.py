"""A program that gets its identity from its host, and reads a workspace with it.

Standard input: {"credential": name, "arguments": {…}, "scope": …, "url": …}. Standard output: the token, and the status
of the URL with it; or the error. The environment determines the host.
"""

import asyncio
import json
import sys

import msal
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CredentialUnavailableError,
    DefaultAzureCredential,
    ManagedIdentityCredential,
)
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential


class Msal:
    """MSAL's own client, as a program without azure-identity uses it."""

    def __init__(self, client_id=None):
        chosen = msal.UserAssignedManagedIdentity(client_id=client_id) if client_id else None
        self.identity = chosen or msal.SystemAssignedManagedIdentity()

    def get_token(self, scope):
        with requests.Session() as session:
            client = msal.ManagedIdentityClient(self.identity, http_client=session)
            answer = client.acquire_token_for_client(resource=scope.removesuffix("/.default"))
        if "access_token" not in answer:
            raise ClientAuthenticationError(json.dumps(answer))
        return type("Token", (), {"token": answer["access_token"]})


def on_behalf_of(**arguments):
    """azure-ai-ml's credential. To import it takes seconds."""
    from azure.ai.ml.identity import AzureMLOnBehalfOfCredential

    return AzureMLOnBehalfOfCredential(**arguments)


class Async:
    """azure-identity's credential for asyncio."""

    def __init__(self, **arguments):
        self.arguments = arguments

    def get_token(self, scope):
        async def token():
            async with AsyncManagedIdentityCredential(**self.arguments) as credential:
                return await credential.get_token(scope)

        return asyncio.run(token())


KINDS = {
    "managed": ManagedIdentityCredential,
    "managed async": Async,
    "default": DefaultAzureCredential,
    "on behalf of": on_behalf_of,
    "msal": Msal,
}

job = json.load(sys.stdin)
try:
    token = KINDS[job["credential"]](**job["arguments"]).get_token(job["scope"]).token
except (ClientAuthenticationError, CredentialUnavailableError, ValueError) as error:
    answer = {"error": type(error).__name__, "message": str(error)}
else:
    seen = requests.get(job["url"], headers={"Authorization": f"Bearer {token}"}, timeout=30)
    answer = {"token": token, "status": seen.status_code}
json.dump(answer, sys.stdout)
