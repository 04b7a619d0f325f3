"""Azure ML's SDK v1 and its plugin for MLflow in `azcred exec`, unmodified, in an environment of their own."""

import os
import time

import jwt
import pytest

from local_https import Recorder, Trusted
from machine import MACHINES, WHOSE, Machine, claims

# Imports of the SDK take seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("sdk-v1")

WORKSPACE = (
    WHOSE
    + """
import os
from azureml.core import Workspace
from azureml.core.authentication import AzureCliAuthentication
cli = AzureCliAuthentication()
whose(cli.get_authentication_header()["Authorization"].removeprefix("Bearer "))
names = [os.environ["AZUREML_ARM_" + name] for name in ("WORKSPACE_NAME", "SUBSCRIPTION", "RESOURCEGROUP")]
print(Workspace.get(names[0], auth=cli, subscription_id=names[1], resource_group=names[2]).name)
"""
)

LOGS = "import mlflow; mlflow.log_metric('loss', 0.5)"


@pytest.fixture(scope="module")
def sdk_v1():
    """The Python of that environment."""
    return os.environ["AZCRED_SDK_V1"]


@pytest.mark.parametrize("persona", MACHINES)
def test_azureml_core_reads_the_workspace_as_the_account_of_azure_cli(azure, persona, sdk_v1):
    machine = Machine(azure, persona)
    *_, whose, name = machine.python(WORKSPACE, sdk_v1)
    assert (whose, name) == (machine.account(), "ws-contoso-ml")


@pytest.mark.parametrize("persona", MACHINES)
def test_hi_mls_get_authentication_is_the_account(azure, persona):
    machine = Machine(azure, persona)
    assert machine.chosen_by("hi-ml-v1", os.environ["AZCRED_HI_ML"]) == machine.account()


@pytest.fixture(scope="module")
def trusted(azure, tmp_path_factory):
    return Trusted(tmp_path_factory.mktemp("trusted"), azure)


@pytest.fixture
def tracking(trusted):
    """A tracking server. Every response is the run."""
    info = {"run_id": "run-1", "run_uuid": "run-1", "experiment_id": "7", "status": "RUNNING"}
    with Recorder(trusted, {"run": {"info": info, "data": {}}}) as server:
        yield server


@pytest.mark.parametrize("token", ["of-the-run", None], ids=["in-a-job", "without-a-runs-token"])
def test_mlflow_logs_to_the_run_of_a_job_with_the_runs_token(azure, sdk_v1, trusted, tracking, token):
    machine = Machine(azure, "azureml-compute")
    group = "subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml"
    workspace = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml"
    # As Azure ML sets them in a job.
    job = trusted.variables | {
        "MLFLOW_TRACKING_URI": f"azureml://{tracking.address}/mlflow/v1.0/{workspace}",
        "MLFLOW_EXPERIMENT_ID": "7",
        "MLFLOW_RUN_ID": "run-1",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "AZUREML_RUN_ID": "run-1",
    }
    if token:
        token = jwt.encode({"exp": int(time.time()) + 3600, "sub": token}, "a key of the service " * 2)
        job |= {"MLFLOW_TRACKING_TOKEN": token, "AZUREML_RUN_TOKEN": token}
    machine.exec(sdk_v1, "-c", LOGS, variables=job)
    sent = [authorization for path, authorization in tracking.requests if path.endswith("/runs/log-metric")]
    assert len(sent) == 1, tracking.requests
    sent = sent[0].removeprefix("Bearer ")
    if token:
        assert claims(sent)["sub"] == "of-the-run"
    else:
        assert claims(sent)["oid"] == machine.account()
