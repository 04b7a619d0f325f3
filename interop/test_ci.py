"""azure-identity signs in with the tokens that CI systems issue to a job, by both ways."""

import pytest

from emulator import codes
from way import ARM

CREDENTIALS = {
    "AzurePipelinesCredential": ("azure-pipelines", "pipelines"),
    "ClientAssertionCredential with GitHub's tokens": ("github", "assertion"),
    "WorkloadIdentityCredential with a token of GitHub's": ("github", "workload"),
}


def sign_in(world, by, persona, credential, folder, arguments=None, **variables):
    way = world.way(by, persona)
    job = {
        "credential": credential,
        "arguments": way.identity_options | (arguments or {}),
        "scope": ARM + "/.default",
        "token_file": str(folder / "token"),
    }
    return way, way.run("ci_identity", job, **variables)


@pytest.mark.parametrize("by", ["ports", "names"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_token_comes_by(credential, by, world, tmp_path):
    persona, kind = CREDENTIALS[credential]
    way, answer = sign_in(world, by, persona, kind, tmp_path)
    assert "token" in answer, answer
    claims = way.claims(answer["token"], ARM)
    assert claims["appid"] == world.people.ci_client_id
    assert claims["appidacr"] == "2"


def test_a_wrong_token_of_a_job_is_unauthorized(world, tmp_path):
    _, answer = sign_in(
        *(world, "names", "azure-pipelines", "pipelines", tmp_path), SYSTEM_ACCESSTOKEN="wrong"
    )
    assert answer["error"] == "ClientAuthenticationError", answer
    assert "TF400813" in answer["message"]


def test_another_service_connection_is_not_found(world, tmp_path):
    wrong = {"service_connection_id": "0b1ec700-0000-4000-8000-0000000000ff"}
    _, answer = sign_in(world, "names", "azure-pipelines", "pipelines", tmp_path, wrong)
    assert "There is no explicit reference to service connection" in answer["message"]


def test_another_application_does_not_trust_the_job(world, tmp_path):
    wrong = {"client_id": world.people.client_id}
    _, answer = sign_in(world, "names", "github", "assertion", tmp_path, wrong)
    assert set(codes(answer["message"])) == {70025}, answer
