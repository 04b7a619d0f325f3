"""hi-ml's `submit_to_azure_if_needed`, unmodified and in an environment of its own: from a fresh folder to a finished
job."""

import re

import pytest

from submitter import Submitter, application, identities, python

# Imports of the SDK take seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("hi-ml")

IDENTITIES = identities(reads="HIML_*")


@pytest.fixture(scope="module")
def desk(workplace, tmp_path_factory):
    return Submitter(workplace, tmp_path_factory.mktemp("hi-ml")).with_project("hi-ml")


def train(desk, **options):
    return desk.submit(python("AZCRED_HI_ML"), "train.py", "--azureml", **options)


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_fresh_folder_becomes_a_finished_job(desk, name):
    identity = IDENTITIES[name]
    said = train(desk, identity=identity).stdout
    assert "AzureML job completed." in said
    [name] = re.findall(r"^Successfully queued run (\S+)$", said, re.MULTILINE)
    job = desk.recorded(name)
    assert (job["kind"], job["state"], job["experiment"]) == ("command", "Completed", "training")
    assert job["submittedBy"] == desk.who(identity)["name"]
    sent = job["sent"]
    assert sent["command"] == "python train.py "
    assert sent["computeId"].endswith("/computes/cpu-cluster")
    assert re.search(r"/environments/HealthML-\w+-v2/versions/1$", sent["environmentId"])
    files = desk.code(sent["codeId"])
    assert files == {
        path.name: path.read_text() for path in desk.folder.iterdir() if path.name != ".amlignore"
    }


def with_argument(workplace, folder, argument):
    """The project, with one more argument of `submit_to_azure_if_needed`."""
    desk = Submitter(workplace, folder).with_project("hi-ml")
    script = desk.folder / "train.py"
    text = script.read_text(encoding="utf-8")
    waits = "wait_for_completion=True,"
    assert waits in text
    script.write_text(text.replace(waits, f"{waits} {argument},"), encoding="utf-8")
    return desk


@pytest.mark.parametrize("name", IDENTITIES)
def test_the_sdk_v1_submits_the_same_folder(workplace, tmp_path, name):
    """`strictly_aml_v1`: by azureml-core."""
    desk = with_argument(workplace, tmp_path, "strictly_aml_v1=True")
    said = train(desk, identity=IDENTITIES[name]).stdout
    [run] = re.findall(r"^Successfully queued run (\S+) in experiment training$", said, re.MULTILINE)
    job = desk.recorded(run)
    assert (job["kind"], job["state"], job["experiment"]) == ("run", "Completed", "training")
    assert job["submittedBy"] == desk.who(IDENTITIES[name])["name"]


def himl(identity):
    """The same application in hi-ml's variables."""
    names = ("TENANT_ID", "SERVICE_PRINCIPAL_ID", "SERVICE_PRINCIPAL_PASSWORD")
    variables = dict(zip((f"HIML_{name}" for name in names), identity.variables.values(), strict=True))
    return type(identity)(identity.persona, variables=variables)


def test_without_a_role_nothing_is_submitted(desk):
    no_roles = himl(application(desk.azure, "azcred-noroles"))
    said = train(desk, identity=no_roles, refused=True).stderr
    assert "azure.core.exceptions.HttpResponseError: (AuthorizationFailed) The client 'a0000001-" in said
    assert "'Microsoft.MachineLearningServices/workspaces/environments/versions/read'" in said


def test_a_reader_submits_nothing(workplace, tmp_path):
    desk = Submitter(workplace, tmp_path).with_project("hi-ml")
    # An environment that no other test has registered: it is registered first.
    with (desk.folder / "environment.yml").open("a", encoding="utf-8") as environment:
        environment.write("      - pyjwt\n")
    said = train(desk, identity=himl(desk.principal("Reader")), refused=True).stderr
    assert "azure.core.exceptions.HttpResponseError: (AuthorizationFailed) The client '" in said
    assert "'Microsoft.MachineLearningServices/workspaces/environments/versions/write'" in said


def test_without_a_data_role_the_log_is_not_shown(workplace, tmp_path):
    """Ada is the owner of the workspace, and has no role for data. The job was submitted before."""
    desk = with_argument(workplace, tmp_path, "wait_for_completion_show_output=True")
    # hi-ml reads the log of a job that runs, and not of one that has ended.
    desk.jobs("hang", "--next")
    said = train(desk, identity=IDENTITIES["person"], refused=True)
    [name] = re.findall(r"^Successfully queued run (\S+)$", said.stdout, re.MULTILINE)
    desk.jobs("cancel", name)
    refused = (
        "azure.core.exceptions.HttpResponseError: This request is not authorized to perform this operation"
    )
    assert f"{refused} using this permission." in said.stderr
    assert "\nErrorCode:AuthorizationPermissionMismatch\n" in said.stderr
