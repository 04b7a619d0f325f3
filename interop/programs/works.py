"""One sign-in after the other, for the page docs/programs.md: each as the library's documentation says.

Arguments: the library, its ways. Standard output: lines of JSON, the first with the library's version, then one for
each way: the token, what was found with it, or the error. A line with "open", or with "code" and "address", is for
the person at the computer.
"""

import asyncio
import importlib.metadata
import json
import os
import sys
import webbrowser

ARM = "https://management.azure.com"
SCOPE = f"{ARM}/.default"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AUTHORITY = "https://login.microsoftonline.com/"

OUTPUT, sys.stdout = sys.stdout, sys.stderr
TENANT = os.environ.get("AZURE_TENANT_ID") or os.environ["PERSONS_TENANT"]


def say(**line):
    print(json.dumps(line), file=OUTPUT, flush=True)


def for_device(address, code, *_):
    say(code=code, address=address)


class PersonsBrowser(webbrowser.BaseBrowser):
    def open(self, url, new=0, autoraise=True):
        say(open=url)
        return True


def jobs_token():
    """The token of a job of GitHub Actions, as its documentation shows."""
    import requests

    url = os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=api://AzureADTokenExchange"
    bearer = {"Authorization": "Bearer " + os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}
    return requests.get(url, headers=bearer, timeout=30).json()["value"]


def credential(way):
    from azure import identity

    job = os.environ
    made = {
        "AzurePipelinesCredential": lambda: identity.AzurePipelinesCredential(
            tenant_id=job["AZURESUBSCRIPTION_TENANT_ID"],
            client_id=job["AZURESUBSCRIPTION_CLIENT_ID"],
            service_connection_id=job["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
            system_access_token=job["SYSTEM_ACCESSTOKEN"],
        ),
        "ClientAssertionCredential": lambda: identity.ClientAssertionCredential(
            TENANT, job["AZURE_CLIENT_ID"], jobs_token
        ),
        "DeviceCodeCredential": lambda: identity.DeviceCodeCredential(
            tenant_id=TENANT, prompt_callback=for_device
        ),
        "InteractiveBrowserCredential": lambda: identity.InteractiveBrowserCredential(tenant_id=TENANT),
    }.get(way)
    return made() if made else getattr(identity, way)()


def azure_identity(way):
    if not way.endswith(" of azure.identity.aio"):
        return {"token": credential(way).get_token(SCOPE).token}
    from azure.identity import aio

    async def token():
        async with getattr(aio, way.partition(" ")[0])() as made:
            return (await made.get_token(SCOPE)).token

    return {"token": asyncio.run(token())}


def msal(way):
    import msal
    import requests

    job = os.environ
    if way == "ManagedIdentityClient":
        host = msal.ManagedIdentityClient(
            msal.SystemAssignedManagedIdentity(), http_client=requests.Session()
        )
        answer = host.acquire_token_for_client(resource=ARM)
    elif way.startswith("ConfidentialClientApplication"):
        secret = {
            "secret": lambda: job["AZURE_CLIENT_SECRET"],
            "assertion": lambda: {"client_assertion": jobs_token},
            "token file": lambda: {"client_assertion": open(job["AZURE_FEDERATED_TOKEN_FILE"]).read()},
        }[way.partition(", ")[2]]()
        app = msal.ConfidentialClientApplication(job["AZURE_CLIENT_ID"], secret, AUTHORITY + TENANT)
        answer = app.acquire_token_for_client([SCOPE])
    else:
        app = msal.PublicClientApplication(AZURE_CLI, authority=AUTHORITY + TENANT)
        if way.endswith("device code"):
            flow = app.initiate_device_flow([SCOPE])
            for_device(flow["verification_uri"], flow["user_code"])
            answer = app.acquire_token_by_device_flow(flow)
        else:
            answer = app.acquire_token_interactive([SCOPE])
    return {"token": answer["access_token"]} if "access_token" in answer else {"error": json.dumps(answer)}


def workspace():
    names = ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")
    return [os.environ[f"AZUREML_ARM_{name}"] for name in names]


def azure_ai_ml(way):
    from azure.ai.ml import MLClient
    from azure.ai.ml.identity import AzureMLOnBehalfOfCredential

    special = {"AzureMLOnBehalfOfCredential": AzureMLOnBehalfOfCredential}
    made = special[way]() if way in special else credential(way)
    client = MLClient(made, *workspace(), enable_telemetry=False)
    return {"found": [client.workspaces.get(workspace()[2]).name]}


def azure_mgmt_resource(way):
    from azure.mgmt.resource.resources import ResourceManagementClient

    client = ResourceManagementClient(credential(way), workspace()[0])
    return {"found": [group.name for group in client.resource_groups.list()]}


def azure_mgmt_authorization(way):
    from azure.mgmt.authorization import AuthorizationManagementClient

    subscription, group, _ = workspace()
    client = AuthorizationManagementClient(credential(way), subscription)
    scope = f"/subscriptions/{subscription}/resourceGroups/{group}"
    roles = client.role_definitions.list(scope, filter="roleName eq 'AzureML Data Scientist'")
    return {"found": [role.role_name for role in roles]}


def azureml_core(way):
    from azureml.core import Workspace, authentication

    job = os.environ
    made = {
        "AzureCliAuthentication": lambda: authentication.AzureCliAuthentication(),
        "MsiAuthentication": lambda: authentication.MsiAuthentication(),
        "ServicePrincipalAuthentication": lambda: authentication.ServicePrincipalAuthentication(
            TENANT, job["AZURE_CLIENT_ID"], job["AZURE_CLIENT_SECRET"]
        ),
        "InteractiveLoginAuthentication": lambda: authentication.InteractiveLoginAuthentication(
            tenant_id=TENANT
        ),
    }[way]()
    subscription, group, name = workspace()
    found = Workspace.get(name, auth=made, subscription_id=subscription, resource_group=group)
    return {"found": [found.name]}


def msgraph_sdk(way):
    from msgraph import GraphServiceClient

    client = GraphServiceClient(credential(way), ["https://graph.microsoft.com/.default"])

    async def found():
        if os.environ.get("AZURE_CLIENT_ID"):
            return sorted(user.user_principal_name for user in (await client.users.get()).value)
        return [(await client.me.get()).user_principal_name]

    return {"found": asyncio.run(found())}


def azure_storage_blob(way):
    from azure.storage.blob import ContainerClient

    container = ContainerClient(os.environ["AZURE_STORAGE_ENDPOINT"], "data", credential(way))
    return {"found": [blob.name for blob in container.list_blobs()]}


def adlfs(way):
    from adlfs import AzureBlobFileSystem

    made = AzureBlobFileSystem(account_name=os.environ["AZURE_STORAGE_ACCOUNT_NAME"], anon=False)
    return {"found": [path.rpartition("/")[2] for path in made.ls("data")]}


def polars(way):
    import polars

    options = {"use_azure_cli": "true"} if way == "use_azure_cli" else {}
    table = polars.scan_csv("az://data/day.csv", storage_options=options)
    return {"found": table.collect().columns}


def deltalake(way):
    from deltalake import DeltaTable, write_deltalake
    from polars import DataFrame

    options = {"use_azure_cli": "true"} if way == "use_azure_cli" else {}
    address = f"az://tables/{os.getpid()}"
    write_deltalake(address, DataFrame({"a": [1], "b": [2]}), storage_options=options)
    return {"found": [column.name for column in DeltaTable(address, storage_options=options).schema().fields]}


def pyarrow(way):
    from pyarrow import fs

    files = fs.AzureFileSystem(account_name=os.environ["AZURE_STORAGE_ACCOUNT_NAME"])
    return {"found": [file.base_name for file in files.get_file_info(fs.FileSelector("data"))]}


def adal(way):
    from adal import AuthenticationContext

    context = AuthenticationContext(AUTHORITY + TENANT)
    if way == "acquire_token_with_device_code":
        code = context.acquire_user_code(ARM, AZURE_CLI)
        for_device(code["verification_url"], code["user_code"])
        answer = context.acquire_token_with_device_code(ARM, code, AZURE_CLI)
    else:
        application = (os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"])
        answer = context.acquire_token_with_client_credentials(ARM, *application)
    return {"token": answer["accessToken"]}


LIBRARIES = {
    "azure-identity": azure_identity,
    "msal": msal,
    "azure-ai-ml": azure_ai_ml,
    "azure-mgmt-resource": azure_mgmt_resource,
    "azure-mgmt-authorization": azure_mgmt_authorization,
    "azureml-core": azureml_core,
    "adal": adal,
    "pyarrow": pyarrow,
    "msgraph-sdk": msgraph_sdk,
    "azure-storage-blob": azure_storage_blob,
    "adlfs": adlfs,
    "polars": polars,
    "deltalake": deltalake,
}


def main():
    webbrowser.register("persons-browser", None, PersonsBrowser(), preferred=True)
    library, *ways = sys.argv[1:]
    say(version=importlib.metadata.version(library))
    for way in ways:
        try:
            answer = LIBRARIES[library](way)
        except Exception as error:  # each library has its own
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(way=way, **answer)


main()
