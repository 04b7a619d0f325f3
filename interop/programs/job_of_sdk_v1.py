"""Submits a script of the current folder with azureml-core, and follows it to its end. Standard output: JSON."""

import contextlib
import io
import json
import os

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.core.compute import ComputeTarget

named = [os.environ["AZURE_" + name] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
place = [os.environ["AZUREML_ARM_" + name] for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")]
workspace = Workspace.get(
    place[2],
    auth=ServicePrincipalAuthentication(*named),
    subscription_id=place[0],
    resource_group=place[1],
)
streamed = io.StringIO()
with contextlib.redirect_stdout(streamed):
    environment = Environment("train")
    environment.docker.base_image = "ubuntu:24.04"
    environment = environment.register(workspace)
    script = ScriptRunConfig(
        source_directory=".",
        script="train.py",
        arguments=["--epochs", 3],
        compute_target=ComputeTarget(workspace, "cpu-cluster"),
        environment=Environment.get(workspace, "train"),
    )
    run = Experiment(workspace, "titanic").submit(script)
    details = run.wait_for_completion(show_output=True)
    # A program records a run of its own.
    own = Experiment(workspace, "notebook").start_logging(snapshot_directory=None)
    own.upload_file("outputs/train.py", "train.py")
    own.log("loss", 0.5)
    own.log("loss", 0.25)
    own.flush()
    metrics = own.get_metrics()
    own.complete()
print(
    json.dumps(
        {
            "run": run.id,
            "status": details["status"],
            "version": environment.version,
            "datastore": workspace.get_default_datastore().name,
            "log": streamed.getvalue(),
            "own": {"status": own.get_status(), "files": own.get_file_names(), "metrics": metrics},
        }
    )
)
