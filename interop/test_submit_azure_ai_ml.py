"""Azure ML's SDK v2, unmodified and in an environment of its own: jobs from submission to their end, data, and what is
refused."""

import json
import uuid

import pytest

from submitter import Identity, Submitter, application, identities, python
from test_sp import SCOPE as WORKSPACE_ID
from way import ARM, HERE

# Imports of the SDK take seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("azure-ai-ml")

IDENTITIES = identities(reads="AZURE_*")


@pytest.fixture(scope="module")
def desk(workplace, tmp_path_factory):
    return Submitter(workplace, tmp_path_factory.mktemp("azure-ai-ml")).with_project("azure-ai-ml")


PROGRAM = HERE / "programs" / "azure_ai_ml.py"


def did(desk, *steps, identity):
    """What each step of the program returned."""
    done = desk.submit(python("AZCRED_AZURE_AI_ML"), PROGRAM, *steps, identity=identity)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(steps)
    return answers


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_pipeline_is_submitted_and_followed_to_its_end(desk, name):
    identity = IDENTITIES[name]
    [done] = did(desk, "pipeline", identity=identity)
    assert done["status"] == "Completed", done
    job = desk.recorded(done["name"])
    assert (job["kind"], job["state"], job["experiment"]) == ("pipeline", "Completed", "training")
    assert job["submittedBy"] == desk.who(identity)["name"]
    assert [step["state"] for step in job["steps"]] == ["Completed", "Completed"]


def test_the_log_of_a_job_is_shown_while_it_runs(desk):
    desk.azure.admin("DELETE", "/requests")
    desk.jobs("hang", "--next")
    process = desk.start(python("AZCRED_AZURE_AI_ML"), PROGRAM, "pipeline", identity=Identity("sp"))
    # The first may come before the job runs.
    desk.seen(process, lambda one: one["path"].endswith("/logs/azureml/executionlogs.txt"), 2)
    job = desk.jobs()["jobs"][0]
    desk.jobs("cancel", job["name"])
    said = desk.end(process)
    assert json.loads(said.stdout) == {"name": job["name"], "began": "NotStarted", "status": "Canceled"}
    assert "Streaming logs/azureml/executionlogs.txt" in said.stderr
    for line in ("The Azure emulator executes nothing. It recorded this job:", f"name: {job['name']}"):
        assert line in said.stderr


def test_data_is_uploaded_and_read_by_a_job(desk):
    [asset, job] = did(desk, "data", "job_with_data", identity=Identity("sp"))
    assert "/datastores/workspaceblobstore/paths/LocalUpload/" in asset["path"]
    sent = desk.recorded(job["name"])["sent"]
    assert "/datastores/workspaceblobstore/paths/LocalUpload/" in sent["inputs"]["data"]["uri"]
    assert sent["inputs"]["data"]["jobInputType"] == "uri_folder"
    assert desk.code(sent["codeId"]) == {"train.py": (desk.folder / "src" / "train.py").read_text()}


def test_without_a_data_role_there_is_no_data(desk):
    """Ada is the owner of the workspace, and has no role for data. The SDK puts Azure's refusal into its own words."""
    desk.jobs("hang", "--next")
    upload, log = did(desk, "data", "followed_job", identity=IDENTITIES["person"])
    assert upload["message"].startswith(
        "You don't have permission to alter this storage account. Ensure that you have"
    )
    assert log["status"] == 403 and "ErrorCode:AuthorizationPermissionMismatch" in log["message"]


@pytest.mark.parametrize(
    ("role", "action"),
    [
        (None, "Microsoft.MachineLearningServices/workspaces/codes/versions/read"),
        ("Reader", "Microsoft.MachineLearningServices/workspaces/codes/versions/startPendingUpload/action"),
    ],
)
def test_without_a_role_nothing_is_submitted(desk, role, action):
    identity = desk.principal(role) if role else application(desk.azure, "azcred-noroles")
    # Code that no other test has uploaded.
    folder = desk.folder / f"src-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "train.py").write_text(f"# {folder.name}\n", encoding="utf-8")
    [answer] = did(desk, f"code={folder.name}", identity=identity)
    assert answer["status"] == 403 and answer["message"].startswith("(AuthorizationFailed) The client '")
    assert f"'{action}'" in answer["message"]


def test_what_a_submission_names_must_exist(desk):
    steps = ("unknown_datastore", "unknown_compute", "unknown_compute_read", "unknown_member")
    datastore, compute, read, member = did(desk, *steps, identity=Identity("sp"))
    assert datastore["message"].startswith("(UserError) Could not find datastore: nothing\n")
    assert compute["message"].startswith("(UserError) Unknown compute target 'nothing'.\n")
    assert (read["error"], read["status"]) == ("ResourceNotFoundError", 404)
    assert member["message"].startswith("(UserError) Request is invalid and/or missing fields.\n")
    unknown = "(RequestInvalid) Could not find member 'assetVersion' on object of type 'UriFolderJobOutput'"
    assert unknown in member["message"]


def test_a_job_uses_an_environment_of_microsofts_registry(desk):
    """Nothing is executed, but the environment is found, listed and read as a client does it."""
    done, both = did(desk, "curated_job", "referenced", identity=Identity("sp"))
    assert both == desk.azure.info["workspace"]["name"]
    assert "sklearn-1.5" in done["names"], done
    assert done["versions"][0] == done["newest"]
    assert done["image"] == f"mcr.microsoft.com/azureml/curated/sklearn-1.5:{done['newest']}"
    used = desk.recorded(done["job"])["sent"]["environmentId"]
    assert used == f"azureml://registries/azureml/environments/sklearn-1.5/versions/{done['newest']}"


def test_microsofts_registry_is_read_without_a_role_and_changed_by_no_one(desk):
    steps = ("curated=minimal-py311-inference", "curated=sklearn-1.5=999", "registered", "registry=none")
    found, missing, changed, other = did(desk, *steps, identity=application(desk.azure, "azcred-noroles"))
    assert found.startswith("azureml://registries/azureml/environments/minimal-py311-inference/versions/")
    unknown = "(UserError) No environment exists for name: sklearn-1.5, version: 999, label: "
    assert (missing["status"], missing["message"].startswith(unknown)) == (404, True), missing
    action = "Microsoft.MachineLearningServices/registries/assets/write"
    assert changed["status"] == 403 and f"'{action}'" in changed["message"], changed
    assert other["status"] == 404 and "Registry none was not found." in other["message"], other


def test_a_signature_is_good_between_its_times(desk):
    good, ended, early = did(desk, "sas", "ended_sas", "sas_of_a_fast_clock", identity=Identity("sp"))
    assert good == "src"
    for refused in (ended, early):
        assert (refused["error"], refused["status"]) == ("ClientAuthenticationError", 403)
        assert refused["message"].endswith("ErrorCode:AuthenticationFailed")


def test_an_upload_that_was_cut_off_is_completed_by_the_next_run(desk):
    many = desk.folder / "many"
    many.mkdir()
    for number in range(30):
        (many / f"part_{number}.txt").write_text(f"{number}\n", encoding="utf-8")
    desk.azure.admin("DELETE", "/requests")
    hang = {
        "service": "blob",
        "path": "/many/part_2",
        "only_changes": True,
        "effect": {"kind": "hang"},
    }
    desk.azure.admin("POST", "/faults", json=hang)
    cut = desk.start(python("AZCRED_AZURE_AI_ML"), PROGRAM, "data=many", identity=Identity("sp"))
    try:
        # The next run overwrites what it finds only if this one is there: it looks for the first file.
        desk.seen(cut, lambda one: one["path"].endswith("/part_0.txt") and one["status"] == 201, 1)
    finally:
        cut.terminate()
        cut.communicate(timeout=60)
        desk.azure.admin("DELETE", "/faults")
    store = f"{ARM}{WORKSPACE_ID}/datastores/workspaceblobstore?api-version=2024-10-01-preview"
    store = json.loads(desk.read(store, ARM))["properties"]
    container = f"https://{store['accountName']}.blob.core.windows.net/{store['containerName']}"
    local = {path.name: path.read_text() for path in many.iterdir()}
    cut_off = desk.files(container, "LocalUpload")
    cut_off = {name.partition("/many/")[2]: content for name, content in cut_off.items() if "/many/" in name}
    # The first run uploaded a part, and the second the rest.
    assert cut_off and cut_off.items() < local.items()
    [made] = did(desk, "data=many", identity=Identity("sp"))
    assert desk.files(container, made["path"].partition("/paths/")[2]) == local
