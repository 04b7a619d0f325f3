"""Blobs put, listed, got and deleted, by each library as its documentation says.

Arguments: the library, a blob, containers. Standard output: a line of JSON for each step: the container, the step, and
what came of it.
"""

import json
import os
import sys

CONTENT = b"a,b\n1,2\n"
STEPS = ("upload", "list", "download", "delete")


def azure_storage_blob(container, blob):
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import ContainerClient

    client = ContainerClient(os.environ["AZURE_STORAGE_ENDPOINT"], container, DefaultAzureCredential())
    return {
        "upload": lambda: client.upload_blob(blob, CONTENT, overwrite=True),
        "list": lambda: " ".join(client.list_blob_names()),
        "download": lambda: client.download_blob(blob).readall().decode(),
        "delete": lambda: client.delete_blob(blob),
    }


def adlfs(container, blob):
    from adlfs import AzureBlobFileSystem

    files = AzureBlobFileSystem(account_name=os.environ["AZURE_STORAGE_ACCOUNT_NAME"], anon=False)
    path = f"{container}/{blob}"
    return {
        "upload": lambda: files.pipe_file(path, CONTENT),
        "list": lambda: " ".join(name.partition("/")[2] for name in files.find(container)),
        "download": lambda: files.cat_file(path).decode(),
        "delete": lambda: files.rm_file(path),
    }


LIBRARIES = {"azure-storage-blob": azure_storage_blob, "adlfs": adlfs}


def main():
    library, blob, *containers = sys.argv[1:]
    for container in containers:
        steps = LIBRARIES[library](container, blob)
        for step in STEPS:
            try:
                found = steps[step]()
                answer = {"found": found if isinstance(found, str) else ""}
            except Exception as error:  # each library has its own
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps({"container": container, "step": step} | answer), flush=True)


main()
