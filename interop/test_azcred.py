"""The binary: PyJWT checks its tokens, Authlib its requests, and its errors are compared with other clients' errors."""

import json
import sys

import pytest

from authlib_server import TENANT, AuthlibServer, Client
from emulator import codes
from keys import PASSWORD
from way import ARM, HERE

SECRET_ID = "5ec0ffee-bbbb-4000-8000-000000000001"
CERTIFICATE_ID = "5ec0ffee-bbbb-4000-8000-000000000002"

IDENTITIES = {
    "AZURE_* with a secret": lambda apps, way: (
        apps.demo,
        apps.demo.variables(way) | {"AZURE_CLIENT_SECRET": apps.demo.secret},
    ),
    "AZURE_* with a certificate": lambda apps, way: (
        apps.certified,
        apps.certified.variables(way)
        | {
            "AZURE_CLIENT_CERTIFICATE_PATH": apps.certificate.pfx,
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
            "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "1",
        },
    ),
    "HIML_*": lambda apps, way: (
        apps.demo,
        {
            "HIML_TENANT_ID": way.tenant,
            "HIML_SERVICE_PRINCIPAL_ID": apps.demo.client_id,
            "HIML_SERVICE_PRINCIPAL_PASSWORD": apps.demo.secret,
        },
    ),
}


def token(way, *arguments, **variables):
    return way.emulator.azcred("token", *arguments, env=way.environment | variables)


@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_token_comes_by(identity, way, apps):
    app, variables = IDENTITIES[identity](apps, way)
    # Without --scope, the token is for the Resource Manager of the environment's cloud.
    done = token(way, "--output", "json", "--scope", ARM + "/.default", **variables)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    claims = way.claims(answer["accessToken"], ARM)
    assert claims["appid"] == app.client_id
    assert claims["exp"] == pytest.approx(answer["expires_on"], abs=30)
    bare = token(way, "--scope", ARM + "/.default", **variables)
    assert way.claims(bare.stdout.removesuffix("\n"), ARM)["appid"] == app.client_id


def test_a_program_runs_unmodified_inside_the_emulator(emulator):
    """The default seed, as a new user finds it: azure-identity, with Azure's real names."""
    job = json.dumps({"credential": "environment", "arguments": {}, "scope": ARM + "/.default"})
    state = emulator.home / "default"
    for persona in ("service-principal", "certificate"):
        inside = ("emulator", "exec", "--state", state, "--as", persona, "--by", "names", "--")
        done = emulator.azcred(*inside, sys.executable, HERE / "programs" / "identity.py", input=job)
        assert done.returncode == 0, done.stderr
        assert "token" in json.loads(done.stdout), done.stdout


# The command as a person types it, with the variables that the binary gets.
REFUSED = {
    # No words of Entra ID's message: a message that repeats part of a secret is left out.
    7000215: lambda apps: (apps.demo, {"AZURE_CLIENT_SECRET": "q7Z8Q~wrong.0123456789abcdefghijklmnopqr"}),
    7000222: lambda apps: (apps.expired, {"AZURE_CLIENT_SECRET": apps.expired.secret}),
    7000112: lambda apps: (apps.disabled, {"AZURE_CLIENT_SECRET": apps.disabled.secret}),
    700016: lambda apps: (apps.demo, {"AZURE_CLIENT_ID": SECRET_ID, "AZURE_CLIENT_SECRET": "x"}),
    90002: lambda apps: (apps.demo, {"AZURE_TENANT_ID": SECRET_ID, "AZURE_CLIENT_SECRET": "x"}),
    700027: lambda apps: (apps.certified, {"AZURE_CLIENT_CERTIFICATE_PATH": apps.stranger.pem}),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_rejection_has_the_same_code_as_in_other_clients(code, way, apps):
    app, variables = REFUSED[code](apps)
    done = token(way, "--output", "json", **(app.variables(way) | variables))
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    error = json.loads(done.stderr)["error"]
    assert error["code"] == f"AADSTS{code}" and error["kind"] == "refused"
    assert codes(error["message"])[:1] == [code]
    assert error["why"] and error["fix"] and error["correlationId"]


@pytest.mark.parametrize(
    ("code", "scope"),
    [(1002012, ARM + "/user_impersonation"), (500011, "https://no-such-resource.example/.default")],
)
def test_a_rejected_scope_has_the_same_code_as_in_other_clients(code, scope, ports, apps):
    variables = apps.demo.variables(ports) | {"AZURE_CLIENT_SECRET": apps.demo.secret}
    done = token(ports, "--output", "json", "--scope", scope, **variables)
    assert done.returncode == 4, done.stderr
    assert json.loads(done.stderr)["error"]["code"] == f"AADSTS{code}"


@pytest.fixture(scope="module")
def authlib(apps):
    clients = [
        Client(SECRET_ID, secret="a secret of Authlib's: ü+/&=%"),
        Client(CERTIFICATE_ID, public_key=apps.certificate.public_key),
    ]
    with AuthlibServer(*clients) as server:
        yield server


def ask_authlib(emulator, authlib, client_id, **variables):
    where = {"AZURE_AUTHORITY_HOST": authlib.authority, "AZURE_TENANT_ID": TENANT}
    who = {"AZURE_CLIENT_ID": client_id} | variables
    return emulator.azcred("token", "--output", "json", env=where | who)


def test_authlib_accepts_our_secret(emulator, authlib):
    secret = "a secret of Authlib's: ü+/&=%"
    done = ask_authlib(emulator, authlib, SECRET_ID, AZURE_CLIENT_SECRET=secret)
    assert done.returncode == 0, done.stderr
    # Authlib's tokens are opaque, so nothing may depend on their content.
    assert "." not in json.loads(done.stdout)["accessToken"]


def test_authlib_accepts_our_assertion_from_every_kind_of_file(emulator, authlib, apps):
    certificate = apps.certificate
    for path, password in (
        (certificate.pem, None),
        (certificate.locked_pem, PASSWORD),
        (certificate.pfx, PASSWORD),
    ):
        variables = {"AZURE_CLIENT_CERTIFICATE_PATH": path}
        if password:
            variables["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = password
        done = ask_authlib(emulator, authlib, CERTIFICATE_ID, **variables)
        assert done.returncode == 0, (path, done.stderr)


@pytest.mark.parametrize("proof", ["a wrong secret", "another key"])
def test_a_rejection_by_authlib_is_reported(proof, emulator, authlib, apps):
    if proof == "a wrong secret":
        done = ask_authlib(emulator, authlib, SECRET_ID, AZURE_CLIENT_SECRET="wrong")
    else:
        path = apps.stranger.pem
        done = ask_authlib(emulator, authlib, CERTIFICATE_ID, AZURE_CLIENT_CERTIFICATE_PATH=path)
    assert done.returncode == 4, done.stderr
    error = json.loads(done.stderr)["error"]
    assert error["kind"] == "refused"
    assert "invalid_client" in json.dumps(error)
