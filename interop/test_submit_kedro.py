"""`kedro azureml run`, unmodified and in an environment of its own: from a fresh folder to a finished job."""

import json
import re
import sys
import uuid

import pytest

from submitter import Identity, Submitter, application, identities, python
from way import ARM, HERE

pytestmark = [
    # Imports of the SDK take seconds: one process runs all of these.
    pytest.mark.xdist_group("kedro"),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="kedro-azureml-pipeline needs Python 3.11"),
]

IDENTITIES = identities(reads="AZURE_*")
STARTER = HERE / "projects" / "kedro"
# A catalog whose measurements are a data asset of the workspace.
ASSET = """
measurements:
  type: kedro_azureml_pipeline.datasets.AzureMLAssetDataset
  azureml_dataset: {name}
  dataset:
    type: json.JSONDataset
    filepath: measurements.json
"""


@pytest.fixture(scope="module")
def desk(workplace, tmp_path_factory):
    return Submitter(workplace, tmp_path_factory.mktemp("kedro"))


def kedro(desk, *arguments, **options):
    return desk.submit(python("AZCRED_KEDRO").with_name("kedro"), *arguments, **options)


@pytest.fixture(scope="module")
def project(desk):
    """The project that `kedro new` makes of the starter."""
    arguments = ("new", "--starter", STARTER, "--name", "Training", "--telemetry", "no")
    kedro(desk, *arguments, identity=Identity("no-account"))
    return desk.folder / "training"


def run(desk, project, *arguments, **options):
    return kedro(desk, "azureml", "run", "-j", "main", *arguments, cwd=project, **options)


def words(said):
    """What was printed, without the line breaks in it."""
    return "".join((said.stdout + said.stderr).split())


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_fresh_project_becomes_a_finished_job(desk, project, name):
    identity = IDENTITIES[name]
    said = run(desk, project, "--wait-for-completion", identity=identity).stdout
    assert "1 succeeded, 0 failed" in said
    [name] = set(re.findall(r"^RunId: (\S+)$", said, re.MULTILINE))
    job = desk.recorded(name)
    assert (job["kind"], job["state"], job["experiment"]) == ("pipeline", "Completed", "training")
    assert job["submittedBy"] == desk.who(identity)["name"]
    steps = {step["step"]: step for step in job["steps"]}
    assert {name: step["state"] for name, step in steps.items()} == {
        "clean": "Completed",
        "train": "Completed",
    }
    for name in steps:
        sent = job["sent"]["jobs"][name]
        assert sent["computeId"].endswith("/computes/cpu-cluster")
        component = json.loads(desk.read(f"{ARM}{sent['componentId']}?api-version=2024-01-01-preview", ARM))
        component = component["properties"]["componentSpec"]
        assert component["command"].startswith(
            f"kedro azureml -e local execute --pipeline=__default__ --node={name} "
        )
        assert "/environments/CliV2AnonymousEnvironment/versions/" in component["environment"]
        files = desk.code(component["code"].removeprefix("azureml:"))
        own = {str(path.relative_to(project)): path for path in project.rglob("*") if path.is_file()}
        ignored = {".amlignore"} | {path for path in own if "__pycache__" in path}
        assert files == {path: file.read_text() for path, file in own.items() if path not in ignored}


def test_a_job_that_fails_fails_the_command_that_waits_for_it(desk, project):
    desk.jobs("fail", "--next", "--message", "out of memory")
    identity = IDENTITIES["AZURE_*"]
    said = words(run(desk, project, "--wait-for-completion", identity=identity, refused=True))
    assert "outofmemory" in said and "Runsummary:0succeeded,1failed" in said


def test_without_a_role_nothing_is_submitted(desk, project):
    no_roles = application(desk.azure, "azcred-noroles")
    said = words(run(desk, project, identity=no_roles, refused=True))
    assert "HttpResponseError:(AuthorizationFailed)" in said
    assert "'Microsoft.MachineLearningServices/workspaces/codes/versions/read'" in said


def test_a_reader_submits_nothing(desk, project):
    reader = desk.principal("Reader")
    # Code that no other test has uploaded.
    new = project / "new.txt"
    new.write_text("new\n", encoding="utf-8")
    try:
        said = words(run(desk, project, identity=reader, refused=True))
    finally:
        new.unlink()
    assert "HttpResponseError:(AuthorizationFailed)" in said
    assert "'Microsoft.MachineLearningServices/workspaces/codes/versions/startPendingUpload/action'" in said


def test_an_unknown_compute_is_refused(desk, project):
    """The plugin reads the compute before it submits. Azure's answer has no body."""
    settings = project / "conf" / "local" / "azureml.yml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("cpu-cluster", "no-cluster"), encoding="utf-8")
    try:
        said = words(run(desk, project, identity=IDENTITIES["AZURE_*"], refused=True))
    finally:
        settings.write_text(before, encoding="utf-8")
    assert "Failedtorunjob'main':Operationreturnedaninvalidstatus'NotFound'" in said


def test_a_data_asset_needs_a_data_role(desk, project):
    """`kedro run` on the own machine reads the data of the workspace."""
    name = f"measurements-{uuid.uuid4().hex[:8]}"
    desk.with_project("azure-ai-ml")
    upload = (python("AZCRED_AZURE_AI_ML"), HERE / "programs" / "azure_ai_ml.py", f"data=data={name}")
    desk.submit(*upload, identity=Identity("sp"))
    (project / "conf" / "local" / "catalog.yml").write_text(ASSET.format(name=name))
    kedro(desk, "run", cwd=project, identity=IDENTITIES["AZURE_*"])
    said = words(kedro(desk, "run", cwd=project, identity=IDENTITIES["person"], refused=True))
    assert "AuthorizationPermissionMismatch" in said
