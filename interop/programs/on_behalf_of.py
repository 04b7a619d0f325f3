"""A service that acts for its caller, with MSAL and with azure-identity, sync and async.

Standard input: {"authority", "tenant", "client_id", "secret", "certificate", "options", "caller",
"service_scope", "scope"}: `caller` signs in with a password to Azure CLI's application, for the service.
Standard output: the access tokens by the way they were got in, and what MSAL says about a token for another service.
"""

import asyncio
import json
import sys

import msal
import requests
from azure.identity import OnBehalfOfCredential
from azure.identity.aio import OnBehalfOfCredential as AsyncOnBehalfOfCredential

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

job = json.load(sys.stdin)
discovery = {"instance_discovery": False} if job["options"] else {}


def service(credential):
    return msal.ConfidentialClientApplication(
        job["client_id"], client_credential=credential, authority=job["authority"], **discovery
    )


def caller(scope):
    # MSAL can't sign in with a password by ports: it drops the port from the address.
    name, password = job["caller"]
    form = {
        "client_id": AZURE_CLI,
        "grant_type": "password",
        "username": name,
        "password": password,
        "scope": scope,
    }
    answer = requests.post(f"{job['authority']}/oauth2/v2.0/token", data=form, timeout=30)
    answer.raise_for_status()
    return answer.json()["access_token"]


async def awaited(assertion):
    credential = AsyncOnBehalfOfCredential(
        job["tenant"],
        job["client_id"],
        client_secret=job["secret"],
        user_assertion=assertion,
        **job["options"],
    )
    async with credential:
        return (await credential.get_token(job["scope"])).token


def identity(assertion, **proof):
    credential = OnBehalfOfCredential(
        job["tenant"], job["client_id"], user_assertion=assertion, **proof, **job["options"]
    )
    return credential.get_token(job["scope"]).token


assertion = caller(job["service_scope"])
by_msal = service(job["secret"])
first = by_msal.acquire_token_on_behalf_of(assertion, [job["scope"]])
with open(job["certificate"], "rb") as file:
    certificate = file.read()
json.dump(
    {
        "assertion": assertion,
        "tokens": {
            "msal": first.get("access_token"),
            "azure-identity": identity(assertion, client_secret=job["secret"]),
            "azure-identity, certificate": identity(assertion, client_certificate=certificate),
            "azure-identity, async": asyncio.run(awaited(assertion)),
        },
        "first": {name: first[name] for name in first if name not in ("access_token", "id_token")},
        "refused": by_msal.acquire_token_on_behalf_of(caller(job["scope"]), [job["scope"]]),
    },
    sys.stdout,
)
