"""Uploads a file in blocks with azure-storage-blob, without a second attempt. Arguments: the container, the blob, the
file."""

import os
import sys

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobClient

container, blob, file = sys.argv[1:]
client = BlobClient(
    os.environ["AZURE_STORAGE_ENDPOINT"],
    *(container, blob),
    credential=DefaultAzureCredential(),
    max_single_put_size=65536,
    max_block_size=65536,
    retry_total=0,
    read_timeout=2,
)
with open(file, "rb") as content:
    client.upload_blob(content, overwrite=True)
