"""azure-identity, MSAL and azcred report Entra ID's rejections with the same AADSTS code."""

import dataclasses
import uuid

import pytest

from emulator import codes
from way import ARM, Job

DEFAULT = ARM + "/.default"
NOBODY = "00000000-0000-4000-8000-00000000dead"


@dataclasses.dataclass
class Refusal:
    """An attempt that must fail: the application, its credential and the scope."""

    app: str = "demo"
    secret: object = None
    assertion: object = None
    scope: str = DEFAULT
    client_id: str | None = None


REFUSALS = {
    7000215: Refusal(secret=lambda apps: "not-the-secret"),
    7000222: Refusal(app="expired"),
    7000112: Refusal(app="disabled"),
    700016: Refusal(client_id=NOBODY),
    1002012: Refusal(scope=ARM + "/user_impersonation"),
    500011: Refusal(scope="https://no-such-resource.example/.default"),
    700213: Refusal(app="federated", assertion=lambda apps: apps.issuer.token(sub="repo:contoso/other")),
    700211: Refusal(app="federated", assertion=lambda apps: apps.issuer.token(iss="https://ci.example/x")),
    700212: Refusal(app="federated", assertion=lambda apps: apps.issuer.token(aud="api://other")),
    700024: Refusal(app="federated", assertion=lambda apps: apps.issuer.token(lifetime=-300)),
}


def prepared(refusal, apps):
    """The application of the attempt, and its secret or assertion."""
    app = getattr(apps, refusal.app)
    if refusal.client_id:
        app = dataclasses.replace(app, client_id=refusal.client_id)
    if refusal.assertion:
        return app, None, refusal.assertion(apps)
    return app, refusal.secret(apps) if refusal.secret else app.secret, None


@pytest.mark.parametrize("program", ["identity", "identity_async"])
@pytest.mark.parametrize("code", REFUSALS)
def test_azure_identity_is_rejected_with_the_code(code, program, ports, apps):
    refusal = REFUSALS[code]
    app, secret, assertion = prepared(refusal, apps)
    proof = {"assertion": assertion} if assertion else {"client_secret": secret}
    kind = "assertion" if assertion else "secret"
    answer = ports.identity(program, Job(kind, app.ids(ports) | proof, scope=refusal.scope))
    assert "error" in answer, "a token was given"
    assert codes(answer["message"])[:1] == [code], answer


@pytest.mark.parametrize("code", REFUSALS)
def test_msal_is_rejected_with_the_code(code, ports, apps):
    refusal = REFUSALS[code]
    app, secret, assertion = prepared(refusal, apps)
    credential = {"client_assertion": assertion} if assertion else secret
    answer = ports.msal(app, credential, scope=refusal.scope)
    assert "error" in answer, "a token was given"
    assert codes(answer["message"])[:1] == [code], answer
    # Not only the text, but also the fields that programs read.
    body = answer["answer"]
    assert body["error_codes"] == [code]
    assert uuid.UUID(body["trace_id"]) and uuid.UUID(body["correlation_id"])
    # Entra ID has no page about these.
    has_page = code not in (70011, 700211, 700213, 7000218)
    assert body.get("error_uri", "").endswith(f"/error?code={code}") == has_page
    assert body["timestamp"].endswith("Z")


@pytest.mark.parametrize("code", [7000215, 7000222])
def test_the_rejection_is_the_same_by_real_names(code, names, apps):
    app, secret, _ = prepared(REFUSALS[code], apps)
    identity = names.identity("identity", Job("secret", app.ids(names) | {"client_secret": secret}))
    assert codes(identity["message"])[:1] == [code], identity
    msal = names.msal(app, secret)
    assert codes(msal["message"])[:1] == [code], msal


def test_a_malformed_tenant_is_rejected(ports, apps):
    arguments = apps.demo.ids(ports) | {"tenant_id": NOBODY, "client_secret": apps.demo.secret}
    answer = ports.identity("identity_async", Job("secret", arguments))
    assert codes(answer["message"])[:1] == [90002], answer
    # MSAL, and azure-identity with it, requests the tenant's configuration first, and hides Entra ID's error.
    for answer in (
        ports.identity("identity", Job("secret", arguments)),
        ports.msal(apps.demo, apps.demo.secret, tenant=NOBODY),
    ):
        assert "Unable to get authority configuration" in answer["message"], answer


def test_a_certificate_that_is_not_registered_is_rejected(ports, apps):
    arguments = apps.certified.ids(ports) | {"certificate_path": apps.stranger.pem}
    answer = ports.identity("identity", Job("certificate", arguments))
    assert codes(answer["message"])[:1] == [700027], answer


def test_a_federated_token_with_another_issuers_key_is_rejected(ports, apps):
    forged = apps.issuer.token(key=apps.stranger.key)
    answer = ports.identity("identity", Job("assertion", apps.federated.ids(ports) | {"assertion": forged}))
    assert answer["error"] == "ClientAuthenticationError", answer
    assert codes(answer["message"]), answer
