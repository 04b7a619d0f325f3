"""Requests by several clients at once, without a pause, for as many seconds as the argument says.

Standard output: for each client, how many requests it sent, how many failed and why, how many tokens it got, and the
seconds that were left of the token with the shortest life when the client had it. The clients are the SDK for
resources with DefaultAzureCredential, and a request with a token of ManagedIdentityCredential or AzureCliCredential.
"""

import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

import jwt
import requests
from azure.identity import AzureCliCredential, DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.resource.resources import ResourceManagementClient

ARM = "https://management.azure.com"
SUBSCRIPTION, GROUP, NAME = (
    os.environ[f"AZUREML_ARM_{name}"] for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")
)
PROVIDER = "providers/Microsoft.MachineLearningServices"
WORKSPACE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/{PROVIDER}/workspaces/{NAME}"
VERSION = "2024-04-01"
SECONDS = float(sys.argv[1])
# A client that fails so often ends.
ENOUGH = 5


@dataclass
class Count:
    requests: int = 0
    failed: list = field(default_factory=list)
    tokens: int = 0
    shortest: float = float("inf")
    seen: set = field(default_factory=set)

    def token(self, token):
        if token not in self.seen:
            self.seen.add(token)
            self.tokens += 1
        ends = jwt.decode(token, options={"verify_signature": False})["exp"]
        self.shortest = min(self.shortest, ends - time.time())


class Watched:
    """A credential whose tokens are counted."""

    def __init__(self, credential, count):
        self.credential, self.count = credential, count

    def get_token(self, *scopes, **options):
        token = self.credential.get_token(*scopes, **options)
        self.count.token(token.token)
        return token


def sdk(count):
    client = ResourceManagementClient(
        Watched(DefaultAzureCredential(), count), SUBSCRIPTION, retry_total=0, logging_enable=False
    )
    return lambda: client.resources.get_by_id(WORKSPACE, api_version=VERSION)


def by_hand(credential):
    def made(count):
        watched, session = Watched(credential(), count), requests.Session()

        def request():
            token = watched.get_token(ARM + "/.default").token
            answer = session.get(
                f"{ARM}{WORKSPACE}?api-version={VERSION}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
            answer.raise_for_status()

        return request

    return made


CLIENTS = {
    "sdk": sdk,
    "managed identity": by_hand(ManagedIdentityCredential),
    "azure cli": by_hand(AzureCliCredential),
}


def run(count, client, end):
    request = client(count)
    while time.monotonic() < end:
        count.requests += 1
        try:
            request()
        except Exception as error:
            count.failed.append(f"{type(error).__name__}: {error}"[:500])
            if len(count.failed) == ENOUGH:
                return


def main():
    end = time.monotonic() + SECONDS
    counts = {name: Count() for name in CLIENTS}
    threads = [
        threading.Thread(target=run, args=(counts[name], client, end)) for name, client in CLIENTS.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({name: asdict(count) | {"seen": None} for name, count in counts.items()}))


main()
