"""azure-identity signs in with every kind of credential of a service principal, sync and async, by both ways."""

import pytest

from keys import PASSWORD
from way import ARM, Job

# The name of a credential, and how it is made.
CREDENTIALS = {
    "a secret": lambda apps, way, tmp: Job(
        "secret", apps.demo.ids(way) | {"client_secret": apps.demo.secret}
    ),
    "a PEM certificate": lambda apps, way, tmp: Job(
        "certificate", apps.certified.ids(way) | {"certificate_path": apps.certificate.pem}
    ),
    "a locked PFX certificate": lambda apps, way, tmp: Job(
        "certificate",
        apps.certified.ids(way) | {"certificate_path": apps.certificate.pfx, "password": PASSWORD},
    ),
    "a certificate with its chain": lambda apps, way, tmp: Job(
        "certificate",
        apps.certified.ids(way) | {"certificate_path": apps.certificate.pem, "send_certificate_chain": True},
    ),
    "an assertion": lambda apps, way, tmp: Job(
        "assertion", apps.federated.ids(way) | {"assertion": apps.issuer.token()}
    ),
    "a secret in the environment": lambda apps, way, tmp: Job(
        "environment",
        {},
        apps.demo.variables(way) | {"AZURE_CLIENT_SECRET": apps.demo.secret},
    ),
    "a certificate in the environment": lambda apps, way, tmp: Job(
        "environment",
        {},
        apps.certified.variables(way)
        | {
            "AZURE_CLIENT_CERTIFICATE_PATH": apps.certificate.pfx,
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
        },
    ),
    "a token file of a workload": lambda apps, way, tmp: Job(
        "workload", apps.federated.ids(way) | {"token_file_path": token_file(apps, tmp)}
    ),
    "the default chain": lambda apps, way, tmp: Job(
        "default",
        {},
        apps.demo.variables(way) | {"AZURE_CLIENT_SECRET": apps.demo.secret},
    ),
}


def token_file(apps, folder):
    path = folder / "token"
    path.write_text(apps.issuer.token())
    return str(path)


@pytest.mark.parametrize("program", ["identity", "identity_async"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_token_comes_by(credential, program, way, apps, tmp_path):
    job = CREDENTIALS[credential](apps, way, tmp_path)
    answer = way.identity(program, job)
    assert "token" in answer, answer
    assert answer["cached"], "the second call did not come from the credential's own cache"
    claims = way.claims(answer["token"], ARM)
    federated = credential in ("an assertion", "a token file of a workload")
    expected = apps.federated if federated else apps.certified if "certificate" in credential else apps.demo
    assert claims["appid"] == expected.client_id
    # 1: a secret. 2: a certificate or a federated token (Microsoft's 'Access token claims reference').
    assert claims["appidacr"] == ("1" if expected is apps.demo else "2")
    # The client counts from the arrival of the response.
    assert claims["exp"] == pytest.approx(answer["expires_on"], abs=30)


def test_a_wrong_password_of_a_certificate_sends_no_request(names, apps):
    arguments = apps.certified.ids(names) | {"certificate_path": apps.certificate.pfx}
    answer = names.identity("identity", Job("certificate", arguments | {"password": "wrong"}))
    assert answer["error"] == "ValueError", answer
