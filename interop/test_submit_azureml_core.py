"""Azure ML's SDK v1, unmodified and in an environment of its own: each of its authentications."""

import json
from dataclasses import replace

import pytest

from submitter import Identity, Submitter, application, python
from way import HERE, WORKSPACE

# Imports of the SDK take seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("sdk-v1")

PERSON = Identity("laptop")
# `MsiAuthentication` knows App Service's form of a managed identity by this variable, which a compute of Azure ML has.
BY_MSI = Identity(
    "laptop", by_azcred=True, variables={"APPSETTING_WEBSITE_SITE_NAME": "azcred"}, options=("--msi",)
)
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
    ("managed-identity", BY_MSI),
    # Without an argument, `Workspace.from_config` uses this one.
    ("interactive", BY_MSI),
    ("managed-identity", Identity("azureml-compute", by_azcred=True, options=("--msi",))),
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
        *(
            pytest.param(*variant, marks=pytest.mark.heavy)
            for variant in (
                ("token", Identity("sp")),
                ("arm-token", Identity("sp")),
                ("interactive", BY_MSI),
                ("managed-identity", BY_MSI),
            )
        ),
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


@pytest.fixture(scope="module")
def job(desk):
    """The variables of a job, with what Azure ML's services accept as its token: the emulator executes no job."""
    run = json.loads(ran(desk, "service-principal", Identity("sp"), "submit").stdout)["run"]
    token = (desk.azure.binary, "token", "--resource", "https://ml.azure.com")
    place = desk.azure.info["workspace"]
    return {
        "AZUREML_ARM_SUBSCRIPTION": place["subscription_id"],
        "AZUREML_ARM_RESOURCEGROUP": place["resource_group"],
        "AZUREML_ARM_WORKSPACE_NAME": place["name"],
        "AZUREML_ARM_PROJECT_NAME": "training",
        "AZUREML_RUN_ID": run,
        "AZUREML_RUN_TOKEN": desk.submit(*token, identity=Identity("sp")).stdout.strip(),
        "AZUREML_SERVICE_ENDPOINT": "https://westeurope.api.azureml.ms",
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": "https://westeurope.api.azureml.ms/discovery",
        "AZUREML_WORKSPACE_ID": "5ec0ffee-0002-4000-8000-000000000001",
    }


@pytest.mark.parametrize("identity", [Identity("no-account"), Identity("azureml-compute", by_azcred=True)])
def test_a_run_has_its_workspace_by_the_token_of_the_run(desk, job, identity):
    """Also in `azcred exec`, which leaves that token in its place."""
    found = json.loads(ran(desk, "run-context", replace(identity, variables=job)).stdout)
    assert found == {"workspace": WORKSPACE, "oid": desk.who(Identity("sp"))["oid"]}


def test_the_token_of_a_run_reads_no_config_file(desk, job):
    """The SDK refuses it itself: `AzureMLTokenAuthentication` lists no subscriptions."""
    desk.azure.admin("DELETE", "/requests")
    said = ran(desk, "run-token", Identity("no-account", variables=job), refused=True).stderr
    assert said.rstrip().endswith("TypeError: cannot unpack non-iterable NoneType object"), said
    assert "all_subscription_list, tenant_id = self._get_all_subscription_ids()" in said
    assert not [one for one in desk.azure.admin("GET", "/requests") if one["service"] == "arm"]


def test_without_a_role_there_is_no_subscription(desk):
    no_roles = application(desk.azure, "azcred-noroles")
    said = ran(desk, "service-principal", no_roles, refused=True).stderr
    # The SDK lists the subscriptions first. Azure returns those in which the principal has a role.
    assert "You don't have access to 5ec0ffee-0001-4000-8000-000000000001 subscription" in said, said
