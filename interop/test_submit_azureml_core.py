"""Azure ML's SDK v1, unmodified and in an environment of its own: each of its authentications."""

import json

import pytest

from submitter import Identity, Submitter, application, python
from way import HERE, WORKSPACE

# Imports of the SDK take seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("sdk-v1")

PERSON = Identity("laptop")
AUTHENTICATIONS = {
    "cli": PERSON,
    "interactive": PERSON,
    "token": PERSON,
    "arm-token": PERSON,
    "service-principal": Identity("sp"),
    "service-principal-of-himl": Identity("himl"),
    "managed-identity": Identity("azureml-compute"),
}
# More machines, and the person by `azcred exec`.
MORE = [
    ("cli", Identity("laptop", by_azcred=True)),
    ("interactive", Identity("azureml-compute")),
    ("managed-identity", Identity("vm")),
]


@pytest.fixture(scope="module")
def desk(azure, tmp_path_factory):
    return Submitter(azure, tmp_path_factory.mktemp("sdk-v1")).with_project("azure-ai-ml")


def ran(desk, authentication, identity, *arguments, **options):
    command = (python("AZCRED_SDK_V1"), HERE / "programs" / "azureml_core.py", authentication, *arguments)
    return desk.submit(*command, identity=identity, **options)


@pytest.mark.parametrize(("authentication", "identity"), [*AUTHENTICATIONS.items(), *MORE])
def test_the_workspace_of_a_config_file_by_each_authentication(desk, authentication, identity):
    found = json.loads(ran(desk, authentication, identity).stdout)
    assert found == {"workspace": WORKSPACE, "oid": desk.who(identity)["oid"]}


@pytest.mark.parametrize(
    ("authentication", "identity"),
    [
        ("cli", Identity("laptop", by_azcred=True)),
        ("service-principal", Identity("sp")),
        ("service-principal-of-himl", Identity("himl")),
    ],
)
def test_a_script_is_submitted_and_followed_to_its_end(desk, authentication, identity):
    said = ran(desk, authentication, identity, "submit")
    done = json.loads(said.stdout)
    assert done["status"] == "Completed", done
    job = desk.recorded(done["run"])
    assert (job["kind"], job["state"], job["experiment"]) == ("run", "Completed", "training")
    assert job["submittedBy"] == desk.who(identity)["name"]
    assert job["sent"]["script"] == "train.py" and job["sent"]["target"] == "cpu-cluster"


def test_without_a_role_there_is_no_subscription(desk):
    no_roles = application(desk.azure, "azcred-noroles")
    said = ran(desk, "service-principal", no_roles, refused=True).stderr
    # The SDK lists the subscriptions first. Azure returns those in which the principal has a role.
    assert "You don't have access to 5ec0ffee-0001-4000-8000-000000000001 subscription" in said, said
