"""MSAL signs in as a confidential client with a secret, a certificate and an assertion, by both ways."""

import pytest

from way import ARM

CREDENTIALS = {
    "a secret": lambda apps: (apps.demo, apps.demo.secret),
    # The older format, with the SHA-1 thumbprint: RS256 and x5t.
    "a certificate by its thumbprint": lambda apps: (
        apps.certified,
        {"private_key": apps.certificate.private, "thumbprint": apps.certificate.thumbprint},
    ),
    # The newer format: PS256 and x5t#S256, with the certificate in the header.
    "a certificate": lambda apps: (
        apps.certified,
        {"private_key": apps.certificate.private, "public_certificate": apps.certificate.public},
    ),
    "an assertion": lambda apps: (apps.federated, {"client_assertion": apps.issuer.token()}),
}


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_token_comes_by(credential, way, apps):
    app, secret = CREDENTIALS[credential](apps)
    answer = way.msal(app, secret)
    assert "token" in answer, answer
    assert answer["cached"], "the second call did not come from MSAL's own cache"
    claims = way.claims(answer["token"], ARM)
    assert claims["appid"] == app.client_id
    # Entra ID's lifetimes: 60 to 90 minutes.
    assert 3599 <= answer["expires_in"] <= 5400
