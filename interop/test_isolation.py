"""Real programs in `azcred emulator exec`, on a machine with real sign-ins: none is used or changed."""

import json
import os
import sys

import pytest

from emulator import bare_environment

# A sign-in takes Azure CLI seconds: one process runs all of these.
pytestmark = pytest.mark.xdist_group("az")

# A machine's sign-ins, in files that the programs would read or write.
PLANTED = {
    ".azure/azureProfile.json": json.dumps({"subscriptions": [{"id": "1", "name": "Real", "state": "Enabled",
        "user": {"name": "real@fabrikam.com", "type": "user"}, "isDefault": True, "tenantId": "2",
        "environmentName": "AzureCloud"}]}),
    ".azure/msal_token_cache.json": '{"RefreshToken": {}}',
    ".IdentityService/msal.cache.nocae": '{"RefreshToken": {"real": {}}}',
    ".local/share/.IdentityService/msal.cache": "real",
    ".Azure/AzureRmContext.json": '{"DefaultContextKey": "real"}',
    ".azd/auth.json": "real",
}  # fmt: skip

# azure-identity with its shared cache, as a program uses it that signs a person in.
CACHED = """
import json, os
from azure.identity import DeviceCodeCredential, TokenCachePersistenceOptions
from azure.identity._persistent_cache import _load_persistent_cache

options = TokenCachePersistenceOptions(name="msal.cache", allow_unencrypted_storage=True)
cache = _load_persistent_cache(options)
found = cache.find("RefreshToken")
cache.add({"client_id": "c", "scope": ["s"], "token_endpoint": "https://login.microsoftonline.com/t/token",
    "response": {"access_token": "a", "refresh_token": "of-the-emulator", "expires_in": 3600}})
print(json.dumps({"found": len(found), "stored": "of-the-emulator" in open(cache._persistence.get_location()).read()}))
"""

# Libraries pause before they repeat a request: 24 seconds in all.
MANAGED = """
import json, time
pauses = []
time.sleep = pauses.append
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
import msal, requests

try:
    ManagedIdentityCredential().get_token("https://management.azure.com/.default")
    outcome = "token"
except CredentialUnavailableError:
    outcome = "unavailable"
client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
answer = client.acquire_token_for_client(resource="https://management.azure.com/")
print(json.dumps({"identity": outcome, "msal": answer.get("error_description"), "pauses": pauses}))
"""


class Machine:
    """A user's machine."""

    def __init__(self, binary, folder):
        self.emulator, self.home, self.state = binary, folder / "home", folder / "state"
        for name, content in PLANTED.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")

    def exec(self, persona, *command):
        """Runs a program in the emulator."""
        inside = ("emulator", "exec", "--state", self.state, "--as", persona, "--")
        done = self.emulator.azcred(*inside, *command, env=bare_environment(self.home))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self):
        """All files, except what programs keep for themselves: Azure CLI numbers the machine for its telemetry."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        read = {str(path.relative_to(self.home)): path.read_text(encoding="utf-8") for path in files}
        return {name: content for name, content in read.items() if not name.startswith(".cache/")}


@pytest.fixture(scope="module")
def inhabited(emulator, tmp_path_factory):
    # One for all tests: the first start of an emulator creates its keys.
    return Machine(emulator, tmp_path_factory.mktemp("machine"))


@pytest.fixture
def machine(inhabited):
    yield inhabited
    assert inhabited.files() == PLANTED


def test_az_signs_in_inside_and_the_users_folder_stays_as_it_was(machine):
    az = os.environ["AZCRED_AZURE_CLI"]
    program = (
        'ada() { "$0" -c "import json; print(next(u[\\"password\\"] for u in json.load(open(\\"$2/emulator.json\\"))'
        '[\\"users\\"] if u[\\"user_principal_name\\"] == \\"ada@contoso.com\\"))" ; }; '
        '"$1" account show >/dev/null 2>&1 && exit 9; '
        '"$1" login --username ada@contoso.com --password "$(ada "$@")" --output none 2>/dev/null && '
        '"$1" account show --query user.name --output tsv'
    )
    # `sh -c` numbers its arguments from `$0`.
    said = machine.exec("no-account", "sh", "-c", program, sys.executable, az, str(machine.state))
    assert said == "ada@contoso.com\n"
    # Her sign-in is of this persona only.
    again = machine.exec("no-account", az, "account", "show", "--query", "user.name", "--output", "tsv")
    assert again == "ada@contoso.com\n"
    other = machine.exec(
        "service-principal", "sh", "-c", '"$0" account show >/dev/null 2>&1 || echo nobody', az
    )
    assert other == "nobody\n"


def test_azure_identitys_shared_cache_is_another_one(machine):
    said = json.loads(machine.exec("no-account", sys.executable, "-c", CACHED))
    assert said == {"found": 0, "stored": True}
    again = json.loads(machine.exec("no-account", sys.executable, "-c", CACHED))
    assert again["found"] == 1
    other = json.loads(machine.exec("laptop", sys.executable, "-c", CACHED))
    assert other["found"] == 0


@pytest.mark.parametrize("persona", ["no-account", "laptop"])
def test_a_program_learns_at_once_that_the_machine_has_no_identity(machine, persona):
    said = json.loads(machine.exec(persona, sys.executable, "-c", MANAGED))
    assert said == {"identity": "unavailable", "msal": "Identity not found", "pauses": []}
    # As on a machine with Azure Arc's agent.
    agent = 'IDENTITY_ENDPOINT=$HTTP_PROXY/metadata/identity/oauth2/token IMDS_ENDPOINT=$HTTP_PROXY exec "$@"'
    said = json.loads(machine.exec(persona, "sh", "-c", agent, "sh", sys.executable, "-c", MANAGED))
    assert said["identity"] == "unavailable" and "Identity not found" in said["msal"] and said["pauses"] == []
