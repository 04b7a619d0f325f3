"""`azcred.Credential`: tokens, their shapes, options, errors."""

import json
import os

import pytest

from conftest import token_requests

# What azure-core and azure-identity are: not importable in these programs.
WITHOUT_AZURE = "sys.modules['azure'] = None\n"


def test_a_credential_returns_the_token_of_the_environments_account(place):
    sp = place("sp")
    got = sp.run("""
import azcred
with azcred.Credential() as credential:
    token = credential.get_token(ARM)
    info = credential.get_token_info(ARM, options={"enable_cae": False})
say(application=claims(token.token)["appid"], same=token.token == info.token, type=info.token_type,
    expires=token.expires_on, exp=claims(token.token)["exp"], refresh=info.refresh_on)
""")
    assert got["application"] == sp.environment["AZURE_CLIENT_ID"]
    assert got["same"] and got["type"] == "Bearer"
    assert abs(got["expires"] - got["exp"]) < 60 and got["refresh"] < got["expires"]


def test_a_token_has_azure_cores_shape_if_it_is_loaded_and_the_same_otherwise(place):
    code = """
import azcred
credential = azcred.Credential()
token, info = credential.get_token(ARM), credential.get_token_info(ARM)
named, fields = type(token), list(token._fields)
hidden = token.token not in repr(token) + repr(info)
say(module=named.__module__.split(".")[0], fields=fields, azure="azure.core" in sys.modules, hidden=hidden,
    info=sorted(vars(info)), repr=repr(azcred.AccessToken("t", 1)))
"""
    sp = place("sp")
    own, theirs = sp.run(code), sp.run("import azure.core.credentials\n" + code)
    assert theirs["module"] == "azure"
    assert own["module"] == "azcred" and not own["azure"] and own["hidden"]
    for shape in ("fields", "info"):
        assert own[shape] == theirs[shape]


@pytest.mark.parametrize("azure", [True, False], ids=["with azure-identity", "without azure packages"])
def test_an_error_is_azure_cores_and_has_why_and_fix(azure, place):
    code = (
        ("" if azure else WITHOUT_AZURE)
        + """
import azcred
def failed():
    try:
        azcred.Credential().get_token(ARM)
    except azcred.ClientAuthenticationError as error:
        names = ("kind", "what", "why", "fix", "code", "correlation_id", "message")
        say(names=[kind.__name__ for kind in type(error).__mro__], text=str(error),
            is_unavailable=isinstance(error, azcred.CredentialUnavailableError),
            module=type(error).__module__.split(".")[0], **{name: getattr(error, name) for name in names})
failed()
"""
    )
    nothing = place("no-account").run(code)
    assert nothing["is_unavailable"] and nothing["kind"] == "unavailable"
    assert "no source has a token" in nothing["why"] and "sign in: `azcred login`" in nothing["fix"]
    assert nothing["code"] is None
    wrong = place("sp").run(code, AZURE_CLIENT_SECRET="wrong")
    assert not wrong["is_unavailable"] and wrong["kind"] == "refused"
    assert wrong["code"] == "AADSTS7000215" and len(wrong["correlation_id"]) == 36
    assert wrong["fix"] in wrong["text"] == wrong["message"]
    for error in (nothing, wrong):
        assert "ClientAuthenticationError" in error["names"]
        assert error["module"] == ("azure" if azure else "azcred")


def test_an_error_and_a_printed_object_have_no_secret(place):
    secret = "c4n~ryQ8secretQ7value-of_this.client"
    got = place("sp").run(
        """
import azcred, traceback
credential = azcred.Credential()
try:
    credential.get_token(ARM)
except azcred.ClientAuthenticationError as error:
    texts = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
say(texts=[*texts, repr(credential), repr(credential._core), repr(vars(credential))])
""",
        AZURE_CLIENT_SECRET=secret,
    )
    assert "AADSTS7000215" in got["texts"][0]
    assert not [text for text in got["texts"] if "c4n" in text or secret[:12] in text]


OTHER = "72f988bf-86f1-41af-91ab-2d7cd011db47"


@pytest.mark.parametrize(
    ("persona", "code", "does"),
    [
        ("no-account", "azcred.Credential().get_token(ARM)", "azcred login"),
        (
            "sp",
            f"azcred.Credential(expect_tenant='{OTHER}').get_token(ARM)",
            'azcred.Credential(exclude="environment")',
        ),
        (
            "sp",
            f"asyncio.run(azcred.aio.Credential(expect_tenant='{OTHER}').get_token(ARM))",
            'azcred.aio.Credential(exclude="environment")',
        ),
        (
            "sp",
            f"azcred.enable(expect_tenant='{OTHER}'); DefaultAzureCredential().get_token(ARM)",
            'azcred.enable(exclude="environment")',
        ),
        (
            "sp",
            f"get_credential(preset='azcred', expect_tenant='{OTHER}')",
            'azcred.himl.get_credential(exclude="environment")',
        ),
        (
            "sp",
            "azcred.Credential().get_token(ARM, tenant_id='fabrikam.com')",
            'azcred.Credential(additionally_allowed_tenants="fabrikam.com")',
        ),
        ("sp", "azcred.Credential(expect_source='azure-cli').get_token(ARM)", "azcred chain"),
        ("sp", "azcred.Credential(tenant='not a tenant')", "azcred tenant DOMAIN"),
        (
            "no-account",
            "azcred.Credential(only='azure-cli', process_timeout=0.01).get_token(ARM)",
            "azcred.Credential(process_timeout=60)",
        ),
    ],
)
def test_a_fix_is_a_command_or_a_line_that_works_in_python(persona, code, does, place, emulator, tmp_path):
    slow = tmp_path / "az"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    there = place(persona)
    path = {"PATH": str(tmp_path) + os.pathsep + os.environ["PATH"]} if "process_timeout" in code else {}
    got = there.run(
        f"""
import asyncio
import azcred, azcred.aio, azcred.himl
from azcred.himl import get_credential
from azure.identity import DefaultAzureCredential
try:
    {code}
except (azcred.ClientAuthenticationError, ValueError) as error:
    text = str(error)
fixes = text.rsplit(" Fix: ")[1].split("`")[1::2]
for line in fixes:
    try:
        if line.startswith("azcred."):
            eval(line)
    except ValueError as error:
        # hi-ml's function requests a token at once.
        assert "no source has a token" in str(error)
say(fixes=fixes, text=text)
""",
        **path,
    )
    assert does in got["fixes"], got["text"]
    for fix in got["fixes"]:
        if fix.startswith("azcred "):
            words = fix.replace("DOMAIN", "contoso.com").split()[1:]
            shown = emulator.azcred(*words, "--help", env=there.environment)
            assert shown.returncode == 0, shown.stderr


def test_a_chained_token_credential_goes_on_where_nothing_is_here(place):
    got = place("no-account").run("""
import azcred
from azure.core.credentials import AccessToken
from azure.identity import ChainedTokenCredential
class Next:
    def get_token(self, *scopes, **kwargs):
        return AccessToken("next", 1)
say(token=ChainedTokenCredential(azcred.Credential(), Next()).get_token(ARM).token)
""")
    assert got["token"] == "next"


def test_a_chained_token_credential_ends_where_the_account_is_rejected(place):
    got = place("sp").run(
        """
import azcred
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ChainedTokenCredential
class Next:
    def get_token(self, *scopes, **kwargs):
        raise AssertionError("it went on")
try:
    ChainedTokenCredential(azcred.Credential(), Next()).get_token(ARM)
except ClientAuthenticationError as error:
    say(text=str(error))
""",
        AZURE_CLIENT_SECRET="wrong",
    )
    assert "AADSTS7000215" in got["text"]


def test_an_mlclient_reads_its_workspace(place):
    got = place("sp").run("""
import os
import azcred
from azure.ai.ml import MLClient
client = MLClient(azcred.Credential(), os.environ["AZUREML_ARM_SUBSCRIPTION"], os.environ["AZUREML_ARM_RESOURCEGROUP"],
                  os.environ["AZUREML_ARM_WORKSPACE_NAME"])
say(name=client.workspaces.get(client.workspace_name).name)
""")
    assert got["name"] == "ws-contoso-ml"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("preset='default'", "the preset 'default'"),
        ("only=['no-such']", "'no-such'"),
        ("exclude='azure-cli,x'", "'x'"),
        ("profile='a/b'", "a/b"),
        ("tenant='not a tenant'", "not a tenant"),
        ("expect_tenant='contoso.com'", "expect_tenant"),
        ("process_timeout=-1", "process_timeout"),
        ("process_timeout=float('nan')", "process_timeout"),
        ("process_timeout=91", "at most 90 seconds"),
    ],
)
def test_an_option_that_is_not_valid_is_a_value_error_that_names_it(options, named, place):
    got = place(None).run(f"""
import azcred
try:
    azcred.Credential({options})
except ValueError as error:
    say(text=str(error))
""")
    assert named in got["text"] and "Fix: " in got["text"]


def test_options_decide_as_those_of_the_command(place):
    got = place("sp").run("""
import azcred
def outcome(**options):
    try:
        return claims(azcred.Credential(**options).get_token(ARM).token)["appid"]
    except azcred.ClientAuthenticationError as error:
        return error.kind
other = "72f988bf-86f1-41af-91ab-2d7cd011db47"
say(plain=outcome(preset="kedro"), only=outcome(only="azure-cli", unattended=True),
    excluded=outcome(exclude=["environment"], unattended=True), drift=outcome(expect_tenant=other),
    source=outcome(expect_source="azure-cli"), tenant=outcome(tenant="contoso.com"))
""")
    application = got["plain"]
    assert len(application) == 36
    assert got == {
        "plain": application,
        "only": "unavailable",
        "excluded": "unavailable",
        "drift": "wrong_account",
        "source": "wrong_account",
        "tenant": application,
    }


def test_scopes_claims_and_cae_are_those_of_the_call(place, emulator):
    got = place("sp").run("""
import azcred
credential = azcred.Credential()
def refused(*scopes, **options):
    try:
        credential.get_token(*scopes, **options)
    except (ValueError, azcred.ClientAuthenticationError) as error:
        return type(error).__name__
storage = credential.get_token("https://storage.azure.com/.default").token
plain, cae = credential.get_token(ARM).token, credential.get_token(ARM, enable_cae=True).token
challenged = credential.get_token_info(ARM, options={"claims": '{"access_token":{}}'})
tenant = credential.get_token(ARM, tenant_id=claims(plain)["tid"]).token
say(aud=claims(storage)["aud"], none=refused(), bad=refused("no scope\\n"), cae=cae != plain,
    tenant=claims(tenant)["tid"] == claims(plain)["tid"],
    replaced=credential.get_token(ARM).token == challenged.token != plain)
""")
    assert got == {
        "aud": "https://storage.azure.com",
        "none": "ValueError",
        "bad": "ValueError",
        "cae": True,
        "tenant": True,
        "replaced": True,
    }


def test_a_stored_token_is_shared_with_the_command(place, emulator, fault):
    sp = place("sp")
    by_command = emulator.azcred("token", "--output", "json", env=sp.environment)
    assert by_command.returncode == 0, by_command.stderr
    code = "import azcred\nsay(token=azcred.Credential(cache={cache}).get_token(ARM).token)"
    stored = json.loads(by_command.stdout)["accessToken"]
    assert sp.run(code.format(cache=True))["token"] == stored
    assert token_requests(emulator) == 1
    assert sp.run(code.format(cache=False))["token"] != stored


def test_importing_reads_nothing_of_the_users_and_starts_no_thread(place):
    got = place("sp").run("""
before = set(sys.modules)
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
import azcred
import os
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
say(modules=sorted(set(sys.modules) - before), threads=threads, home=os.environ["HOME"], opened=opened)
""")
    assert got["threads"] == 1
    assert [name for name in got["modules"] if not name.startswith("azcred")] == []
    assert not [path for path in got["opened"] if path.startswith(got["home"])]
    assert os.listdir(got["home"]) == []
