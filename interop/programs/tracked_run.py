"""Records a run with MLflow and its plugin for Azure ML, and reads it again. Standard output: JSON."""

import contextlib
import json
import os
import sys
from pathlib import Path

import mlflow

place = [os.environ["AZUREML_ARM_" + name] for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME")]
workspace = (
    "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}".format(
        *place
    )
)
with contextlib.redirect_stdout(sys.stderr):
    mlflow.set_tracking_uri("azureml://westeurope.api.azureml.ms/mlflow/v1.0" + workspace)
    mlflow.set_experiment("tracked")
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_param("rate", 0.1)
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metric("loss", 0.25, step=2)
        mlflow.set_tag("team", "ml")
        Path("note.txt").write_text("hello", encoding="utf-8")
        mlflow.log_artifact("note.txt", "notes")
    client = mlflow.MlflowClient()
    found = client.get_run(run.info.run_id)
    note = Path(client.download_artifacts(run.info.run_id, "notes/note.txt", ".")).read_text(encoding="utf-8")
    try:
        client.create_registered_model("model")
    except mlflow.exceptions.MlflowException as refused:
        not_served = refused.error_code
print(
    json.dumps(
        {
            "run": run.info.run_id,
            "status": found.info.status,
            "params": found.data.params,
            "metrics": found.data.metrics,
            "history": [one.value for one in client.get_metric_history(run.info.run_id, "loss")],
            "team": found.data.tags["team"],
            "note": note,
            "not_served": not_served,
        }
    )
)
