"""A program that ends as programs do: an exception that nothing catches. Argument: the name of a function below."""

import os
import sys

ARM = "https://management.azure.com/.default"


def default_credential():
    from azure.identity import DefaultAzureCredential

    DefaultAzureCredential().get_token(ARM)


def secret_credential():
    from azure.identity import ClientSecretCredential

    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    ClientSecretCredential(*(os.environ[name] for name in names)).get_token(ARM)


def unknown_resource():
    from azure.identity import EnvironmentCredential

    EnvironmentCredential().get_token("https://no-such-resource.example/.default")


def assertion_credential():
    from azure.identity import ClientAssertionCredential

    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
    ids = (os.environ[name] for name in names)
    ClientAssertionCredential(*ids, func=lambda: os.environ["ASSERTION"]).get_token(ARM)


def managed_identity():
    from azure.identity import ManagedIdentityCredential

    ManagedIdentityCredential(client_id=os.environ["AZURE_CLIENT_ID"]).get_token(ARM)


def azure_cli_credential():
    from azure.identity import AzureCliCredential

    AzureCliCredential().get_token(ARM)


def msal_client():
    import msal

    client = msal.ConfidentialClientApplication(
        os.environ["AZURE_CLIENT_ID"],
        client_credential=os.environ["AZURE_CLIENT_SECRET"],
        authority="https://login.microsoftonline.com/" + os.environ["AZURE_TENANT_ID"],
    )
    answer = client.acquire_token_for_client([ARM])
    # As MSAL's documentation shows it.
    if "access_token" not in answer:
        raise SystemExit(f"{answer.get('error')}\n{answer.get('error_description')}\n{answer}")


def workspace():
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    names = ("SUBSCRIPTION", "RESOURCE_GROUP", "WORKSPACE")
    client = MLClient(DefaultAzureCredential(), *(os.environ[name] for name in names))
    client.workspaces.get(os.environ["WORKSPACE"])


def config_of_nothing():
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    MLClient.from_config(DefaultAzureCredential())


def blobs(credential):
    from azure.storage.blob import ContainerClient

    list(ContainerClient(os.environ["ACCOUNT_URL"], "data", credential, retry_total=0).list_blobs())


def blobs_by_identity():
    from azure.identity import DefaultAzureCredential

    blobs(DefaultAzureCredential())


def blobs_by_key():
    from azure.core.credentials import AzureNamedKeyCredential

    blobs(AzureNamedKeyCredential(os.environ["ACCOUNT_NAME"], os.environ["ACCOUNT_KEY"]))


def blobs_by_nobody():
    blobs(None)


globals()[sys.argv[1]]()
