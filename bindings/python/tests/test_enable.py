"""`azcred.enable()`: azure-identity's classes in programs that were not written for azcred."""

import pytest

BEFORE = (
    "import azcred\nazcred.enable()\nfrom azure.identity import AzureCliCredential, DefaultAzureCredential\n"
)
AFTER = (
    "from azure.identity import AzureCliCredential, DefaultAzureCredential\nimport azcred\nazcred.enable()\n"
)
EXISTING = """
from azure.identity import AzureCliCredential, DefaultAzureCredential
cli, default = AzureCliCredential(), DefaultAzureCredential()
import azcred
azcred.enable()
AzureCliCredential = DefaultAzureCredential = None
"""


@pytest.mark.parametrize("order", [BEFORE, AFTER, EXISTING], ids=["before", "after", "with existing objects"])
def test_azure_identitys_classes_get_azcreds_token(order, place):
    sp = place("sp")
    got = sp.run(
        order
        + """
import os
# azure-identity's own sources find nothing: only azcred, which reads HIML_* too, has an account.
cli = cli if AzureCliCredential is None else AzureCliCredential()
default = default if DefaultAzureCredential is None else DefaultAzureCredential()
tokens = [default.get_token(ARM).token, default.get_token_info(ARM).token, cli.get_token(ARM).token,
          cli.get_token_info(ARM, options={"enable_cae": False}).token]
say(applications=sorted({claims(token)["appid"] for token in tokens}), same=len(set(tokens)))
""",
        **himl(sp),
    )
    assert got == {"applications": [sp.environment["AZURE_CLIENT_ID"]], "same": 1}


def himl(sp):
    """The service principal in hi-ml's variables, which azure-identity does not read."""
    names = {
        "TENANT_ID": "TENANT_ID",
        "CLIENT_ID": "SERVICE_PRINCIPAL_ID",
        "CLIENT_SECRET": "SERVICE_PRINCIPAL_PASSWORD",
    }
    given = {f"HIML_{theirs}": sp.environment[f"AZURE_{ours}"] for ours, theirs in names.items()}
    return given | {f"AZURE_{ours}": None for ours in names}


def test_asynchronous_classes_get_azcreds_token(place):
    sp = place("sp")
    got = sp.run(
        """
import asyncio
import azcred
azcred.enable()
from azure.identity.aio import AzureCliCredential, DefaultAzureCredential
async def main():
    async with DefaultAzureCredential() as default, AzureCliCredential() as cli:
        tokens = await asyncio.gather(default.get_token(ARM), cli.get_token(ARM), default.get_token_info(ARM))
    return {claims(token.token)["appid"] for token in tokens}
say(applications=sorted(asyncio.run(main())))
""",
        **himl(sp),
    )
    assert got == {"applications": [sp.environment["AZURE_CLIENT_ID"]]}


def test_disable_restores_the_classes(place):
    got = place("no-account").run("""
import azcred
from azure.identity import AzureCliCredential, ChainedTokenCredential, DefaultAzureCredential
import azure.identity, importlib.util, sys
def methods():
    return [kind.__dict__.get(name) for kind in (AzureCliCredential, DefaultAzureCredential)
            for name in ("get_token", "get_token_info")]
before, finders = methods(), list(sys.meta_path)
azcred.disable()
azcred.enable(preset="azure")
azcred.enable()
changed = methods()
kept = AzureCliCredential().get_token
azcred.disable()
azcred.disable()
def failed(call):
    try:
        call(ARM)
    except Exception as error:
        return str(error)
say(restored=methods() == before, changed=all(a is not b for a, b in zip(before, changed)), kept=failed(kept),
    finders=sys.meta_path == finders, loader=type(azure.identity.__spec__.loader).__name__)
""")
    assert got["restored"] and got["changed"] and got["finders"]
    # A method that a program has kept is the class's own again.
    assert "Azure CLI not found on path" in got["kept"]
    assert got["loader"] == "SourceFileLoader"


def test_an_enabled_class_fails_with_azcreds_reasons(place):
    got = place("no-account").run("""
import azcred
azcred.enable(exclude="azure-powershell")
from azure.identity import AzureCliCredential, CredentialUnavailableError
def failed(credential):
    try:
        credential.get_token(ARM)
    except CredentialUnavailableError as error:
        return str(error)
try:
    azcred.enable(preset="nothing")
except ValueError as error:
    bad = str(error)
cli = AzureCliCredential()
say(cli=failed(cli), bad=bad)
""")
    assert "no source has a token" in got["cli"] and "Fix: " in got["cli"]
    assert "azure-powershell: " not in got["cli"]
    assert "the preset 'nothing' is not valid" in got["bad"]


def test_the_tenant_of_an_azure_cli_credential_counts(place):
    sp = place("sp")
    got = sp.run(
        """
import azcred, os
azcred.enable()
from azure.identity import AzureCliCredential
try:
    AzureCliCredential(tenant_id="no-such-tenant.example").get_token(ARM)
    text = "a token"
except Exception as error:
    text = str(error)
say(text=text, token=bool(AzureCliCredential(tenant_id="contoso.com").get_token(ARM).token))
""",
    )
    assert got["token"] and "AADSTS90002" in got["text"]


def test_threads_enable_and_import_at_once(place):
    got = place("sp").run("""
import importlib, threading
import azcred
gate = threading.Barrier(8)
def enables():
    gate.wait()
    azcred.enable()
def imports():
    gate.wait()
    importlib.import_module("azure.identity")
threads = [threading.Thread(target=work) for work in (enables, imports) * 4]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
import azure.identity
kind = azure.identity.AzureCliCredential
say(changed=kind.get_token.__module__, token=bool(kind().get_token(ARM).token))
""")
    assert got == {"changed": "azcred._enable", "token": True}


def test_kedro_and_an_mlclient_use_azcreds_account(place):
    pytest.importorskip("kedro_azureml_pipeline")
    sp = place("sp")
    got = sp.run(
        """
import azcred, os
azcred.enable()
import importlib.util, types
# The package imports all of kedro, which its sign-in does not need.
spec = importlib.util.find_spec("kedro_azureml_pipeline")
package = types.ModuleType(spec.name)
package.__path__ = list(spec.submodule_search_locations)
sys.modules[spec.name] = package
for name in ("kedro_azureml_pipeline.config",):
    sys.modules[name] = types.SimpleNamespace(WorkspaceConfig=object)
from kedro_azureml_pipeline.client import get_azureml_credentials
credential = get_azureml_credentials()
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
subscription, group = os.environ["AZUREML_ARM_SUBSCRIPTION"], os.environ["AZUREML_ARM_RESOURCEGROUP"]
client = MLClient(DefaultAzureCredential(), subscription, group)
say(kind=type(credential).__name__, application=claims(credential.get_token(ARM).token)["appid"],
    workspace=client.workspaces.get(os.environ["AZUREML_ARM_WORKSPACE_NAME"]).name)
""",
        **himl(sp),
    )
    assert got == {
        "kind": "DefaultAzureCredential",
        "application": sp.environment["AZURE_CLIENT_ID"],
        "workspace": "ws-contoso-ml",
    }


# `health_azure.auth` imports azureml-core, which its azure-identity part does not need.
HIML = """
import importlib.util, types, logging
import azcred
def module(name, **values):
    made = types.ModuleType(name)
    made.__dict__.update(values)
    sys.modules[name] = made
classes = ("InteractiveLoginAuthentication", "ServicePrincipalAuthentication", "AzureCliAuthentication")
module("azureml"), module("azureml.core")
module("azureml.core.authentication", **dict.fromkeys(classes, object))
module("azureml.exceptions", AuthenticationException=Exception)
package = importlib.util.find_spec("health_azure").submodule_search_locations[0]
spec = importlib.util.spec_from_file_location("himl_auth", package + "/auth.py")
auth = importlib.util.module_from_spec(spec)
spec.loader.exec_module(auth)
"""


def test_hi_ml_uses_azcreds_account_when_enabled(place):
    sp = place("sp")
    got = sp.run(
        HIML
        + """
azcred.enable()
credential = auth.get_credential()
say(kind=type(credential).__name__, application=claims(credential.get_token(ARM).token)["appid"])
"""
    )
    # Without HIML_*, hi-ml takes the account of Azure CLI: no `az` is here.
    assert got == {"kind": "AzureCliCredential", "application": sp.environment["AZURE_CLIENT_ID"]}


def test_himls_get_credential_is_a_drop_in(place):
    code = (
        HIML
        + """
from azcred.himl import get_credential
def outcome(function):
    try:
        return claims(function().get_token(ARM).token)["appid"]
    except ValueError as error:
        return "ValueError"
say(theirs=outcome(auth.get_credential), ours=outcome(get_credential))
"""
    )
    sp = place("sp")
    application = sp.environment["AZURE_CLIENT_ID"]
    assert sp.run(code, **himl(sp)) == {"theirs": application, "ours": application}
    wrong = himl(sp) | {"HIML_SERVICE_PRINCIPAL_PASSWORD": "wrong"}
    assert sp.run(code, **wrong) == {"theirs": "ValueError", "ours": "ValueError"}
