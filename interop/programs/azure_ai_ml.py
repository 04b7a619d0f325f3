"""A program with Azure ML's SDK v2: it does one thing after another in the workspace of this folder's config.json.

Arguments: names of functions below, some with `=ARGUMENT`s. Standard output: a line for each with what it returns, or
{"error", "status", "message"}. What the SDK itself prints goes to standard error.
"""

import contextlib
import json
import sys
import time
import traceback
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from azure.ai.ml import Input, MLClient, Output, command, dsl
from azure.ai.ml._artifacts._blob_storage_helper import BlobStorageClient
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import Data, Environment
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, generate_container_sas

IMAGE = Environment(image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest")


def a_command(**members):
    settings = {"code": "src", "command": "python train.py", "environment": IMAGE, "compute": "cpu-cluster"}
    return command(**settings | {"experiment_name": "training"} | members)


def submitted(client, job):
    """Submits a job and follows it to its end."""
    job = client.jobs.create_or_update(job)
    began = job.status
    client.jobs.stream(job.name)
    return {"name": job.name, "began": began, "status": client.jobs.get(job.name).status}


def followed_job(client):
    return submitted(client, a_command())


def pipeline(client):
    @dsl.pipeline(default_compute="cpu-cluster", experiment_name="training")
    def two_steps():
        made = a_command(
            command="python train.py ${{outputs.model}}",
            outputs={"model": Output(type=AssetTypes.URI_FOLDER)},
        )()
        a_command(command="ls ${{inputs.model}}", inputs={"model": Input(type=AssetTypes.URI_FOLDER)})(
            model=made.outputs.model
        )

    return submitted(client, two_steps())


def job_with_data(client):
    local = Input(type=AssetTypes.URI_FOLDER, path="data")
    made = client.jobs.create_or_update(a_command(command="ls ${{inputs.data}}", inputs={"data": local}))
    return {"name": made.name}


def data(client, folder="data", name=None):
    made = client.data.create_or_update(a_data_asset(path=folder, **{"name": name} if name else {}))
    return {"path": client.data.get(made.name, made.version).path, "version": made.version}


def a_data_asset(**members):
    settings = {"name": f"measurements-{uuid.uuid4().hex[:8]}", "path": "data", "type": AssetTypes.URI_FOLDER}
    return Data(**settings | members)


def unknown_datastore(client):
    return client.data.create_or_update(a_data_asset(datastore="nothing")).path


def unknown_compute(client):
    return client.jobs.create_or_update(a_command(compute="nothing")).name


def unknown_compute_read(client):
    return client.compute.get("nothing").name


def unknown_member(client):
    """An output's version, which this SDK sends in a version of the API that does not have it."""
    output = Output(type=AssetTypes.URI_FOLDER, name="model", version="1")
    return client.jobs.create_or_update(a_command(outputs={"model": output})).name


def code(client, folder="src"):
    began = time.perf_counter()
    made = client.jobs.create_or_update(a_command(code=folder))
    return {"name": made.name, "seconds": time.perf_counter() - began}


def curated_job(client, name="sklearn-1.5"):
    """A job with an environment of Microsoft's registry."""
    environments = a_registry().environments
    newest = environments.get(name, label="latest")
    job = client.jobs.create_or_update(a_command(environment=newest))
    return {
        "names": [one.name for one in environments.list()],
        "versions": [one.version for one in environments.list(name)],
        "newest": newest.version,
        "image": environments.get(name, newest.version).image,
        "job": job.name,
    }


def curated(client, name, version=None):
    return a_registry().environments.get(name, version, label=None if version else "latest").id


def registered(client):
    own = Environment(name="own", version="1", image=IMAGE.image)
    return a_registry().environments.create_or_update(own).id


def registry(client, name):
    return a_registry(name).environments.get("sklearn-1.5", label="latest").id


def referenced(client):
    """A client of a workspace and a registry, which must be in the workspace's region."""
    names = (client.subscription_id, client.resource_group_name, client.workspace_name)
    return MLClient(DefaultAzureCredential(), *names, registry_reference="azureml").workspace_name


def a_registry(name="azureml"):
    return MLClient(DefaultAzureCredential(), registry_name=name)


def sas(client):
    return by_sas(client, starts=-1, ends=1)


def ended_sas(client):
    return by_sas(client, starts=-2, ends=-1)


def sas_of_a_fast_clock(client):
    """Made where the clock is an hour ahead."""
    return by_sas(client, starts=1, ends=2)


def by_sas(client, starts, ends):
    """Uploads code as a submission does, by a SAS that is valid between two times, in hours from now."""
    now = datetime.now(timezone(timedelta()))
    begin, end, start, expiry = (now + timedelta(hours=hours) for hours in (-3, 3, starts, ends))
    default = client.datastores.get_default()
    account = f"https://{default.account_name}.blob.core.windows.net"
    key = BlobServiceClient(account, DefaultAzureCredential()).get_user_delegation_key(begin, end)
    names = {"account_name": default.account_name, "container_name": default.container_name}
    sas = generate_container_sas(
        **names, user_delegation_key=key, permission="rcwl", start=start, expiry=expiry
    )
    container = f"{account}/{default.container_name}?{sas}"
    return BlobStorageClient("", container).upload("src", f"code-{uuid.uuid4()}", "1")["remote path"]


def main():
    with contextlib.redirect_stdout(sys.stderr):
        client = MLClient.from_config(DefaultAzureCredential())
        results = [attempt(client, *argument.split("=")) for argument in sys.argv[1:]]
    for result in results:
        print(json.dumps(result))


def attempt(client, name, *arguments):
    try:
        return globals()[name](client, *arguments)
    except Exception as error:
        traceback.print_exc()
        status = getattr(error, "status_code", None)
        return {"error": type(error).__name__, "status": status, "message": str(error)}


if __name__ == "__main__":
    assert Path("config.json").is_file()
    main()
