"""Submits a pipeline with azure-ai-ml and streams it, once for each line of standard input.

Standard output: a JSON line for each, with the job's name, its status, the streamed log and the client's error.
"""

import contextlib
import io
import json
import os
import sys

from azure.ai.ml import MLClient, command, dsl
from azure.ai.ml.entities import Environment
from azure.identity import EnvironmentCredential

names = [os.environ["AZUREML_ARM_" + name] for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")]
client = MLClient(EnvironmentCredential(), *names)
step = command(
    name="train",
    command="python train.py",
    environment=Environment(image="ubuntu:24.04"),
    compute="cpu-cluster",
)


@dsl.pipeline(default_compute="cpu-cluster", experiment_name="outcomes")
def pipeline():
    step()


for _ in sys.stdin:
    streamed = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()):
        job = client.jobs.create_or_update(pipeline())
    error = None
    with contextlib.redirect_stdout(streamed):
        try:
            client.jobs.stream(job.name)
        except Exception as failed:
            error = str(failed)
    status = client.jobs.get(job.name).status
    print(
        json.dumps({"name": job.name, "status": status, "error": error, "log": streamed.getvalue()}),
        flush=True,
    )
