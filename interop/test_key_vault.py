"""Programs of others use the secrets of the emulator's key vault, unmodified: with a role for it, with a role that only
reads, and without one. Then the program itself says what Azure says.
"""

import json

import pytest

import checks
import own_services
from emulator import Emulator
from machine import Machine

pytestmark = pytest.mark.xdist_group("key-vault")

# What came of each step.
PROGRAM = """
import json
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

client = SecretClient("https://kv-contoso-ml.vault.azure.net", DefaultAzureCredential())

def get(name):
    secret = client.get_secret(name)
    return [secret.value, secret.properties.vault_url, secret.properties.content_type, secret.properties.tags]

def update():
    version = client.get_secret("db-password").properties.version
    return client.update_secret_properties("db-password", version, tags={"a": "b"}).tags

steps = {
    "set": lambda: client.set_secret("db-password", "a value", content_type="text/plain").name,
    "get": lambda: get("shared"),
    "missing": lambda: get("no-such-secret"),
    "list": lambda: sorted(one.name for one in client.list_properties_of_secrets(max_page_size=1)),
    "versions": lambda: len(list(client.list_properties_of_secret_versions("shared"))),
    "update": update,
    "delete": lambda: client.begin_delete_secret("db-password").result().recovery_id,
    "deleted": lambda: [one.name for one in client.list_deleted_secrets()],
    "recover": lambda: client.begin_recover_deleted_secret("db-password").result().name,
    "delete again": lambda: client.begin_delete_secret("db-password").result().name,
    "purge": lambda: client.purge_deleted_secret("db-password"),
}
came = {}
for name, step in steps.items():
    try:
        came[name] = step()
    except HttpResponseError as error:
        inner = error.error and error.error.innererror
        came[name] = [error.status_code, error.error and error.error.code, inner and inner.get("code")]
print(json.dumps(came))
"""
MISSING = [404, "SecretNotFound", {}]
FORBIDDEN = [403, "Forbidden", "ForbiddenByRbac"]


@pytest.fixture(scope="module")
def azure(binary, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("key-vault")) as started:
        for application, role in (
            (own_services.DEMO, own_services.SECRETS_OFFICER),
            (own_services.CONTRIBUTOR, own_services.SECRETS_USER),
        ):
            principal = own_services.object_id(started, application)
            own_services.assign(started, role, principal, own_services.VAULT)
        own_services.python(started, own_services.DEMO, SHARED)
        yield started


SHARED = """
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
client = SecretClient("https://kv-contoso-ml.vault.azure.net", DefaultAzureCredential())
for value in ("one", "two"):
    client.set_secret("shared", value)
print("null")
"""
SHOWN = ["two", "https://kv-contoso-ml.vault.azure.net", None, None]


def test_an_officer_does_everything_with_secrets(azure):
    came = own_services.python(azure, own_services.DEMO, PROGRAM)
    assert came == {
        "set": "db-password",
        "get": SHOWN,
        "missing": MISSING,
        "list": ["db-password", "shared"],
        "versions": 2,
        "update": {"a": "b"},
        "delete": "https://kv-contoso-ml.vault.azure.net/deletedsecrets/db-password",
        "deleted": ["db-password"],
        "recover": "db-password",
        "delete again": "db-password",
        "purge": None,
    }


def test_a_user_of_secrets_reads_them_only(azure):
    came = own_services.python(azure, own_services.CONTRIBUTOR, PROGRAM)
    reads = {name: came.pop(name) for name in ("get", "missing", "list", "versions", "deleted")}
    assert reads["get"] == SHOWN
    assert reads["missing"] == MISSING
    assert (reads["list"], reads["versions"], reads["deleted"]) == (["shared"], 2, [])
    # It reads a secret before it changes it.
    assert came.pop("update") == MISSING
    assert set(map(tuple, came.values())) == {tuple(FORBIDDEN)}


def test_a_program_without_a_role_is_told_so_in_azures_words(azure):
    came = own_services.python(azure, own_services.NO_ROLES, PROGRAM)
    assert set(map(tuple, came.values())) == {tuple(FORBIDDEN)}


@pytest.mark.heavy
def test_azure_cli_uses_secrets_with_a_role_and_says_what_is_missing_without(azure):
    laptop = Machine(azure, "laptop")
    secret = ("az", "keyvault", "secret")
    at = ("--vault-name", "kv-contoso-ml")
    code, out = own_services.said(laptop, *secret, "list", *at)
    assert code != 0 and "ForbiddenByRbac" in out, out
    assert "Microsoft.KeyVault/vaults/secrets/readMetadata/action" in out
    own_services.assign(azure, own_services.SECRETS_OFFICER, checks.ADA, own_services.VAULT)
    set_it = laptop.run(*secret, "set", *at, "--name", "of-ada", "--value", "hers")
    assert json.loads(set_it)["value"] == "hers"
    shown = laptop.run(*secret, "show", *at, "--name", "of-ada", "--query", "value")
    assert json.loads(shown) == "hers"
    listed = json.loads(laptop.run(*secret, "list", *at, "--query", "[].name"))
    assert {"of-ada", "shared"} <= set(listed)
    found = json.loads(laptop.run("az", "keyvault", "show", "--name", "kv-contoso-ml"))
    assert found["properties"]["vaultUri"] == "https://kv-contoso-ml.vault.azure.net/"
    # A closed firewall.
    laptop.run("az", "keyvault", "update", "--name", "kv-contoso-ml", "--default-action", "Deny")
    code, out = own_services.said(laptop, *secret, "list", *at)
    assert code != 0 and "ForbiddenByFirewall" in out, out
    laptop.run(
        "az", "keyvault", "network-rule", "add", "--name", "kv-contoso-ml", "--ip-address", "127.0.0.1"
    )
    laptop.run(*secret, "list", *at)
