"""What Blob Storage refuses as Azure does, as azure-storage-blob says it: by role, by time, by the account's
settings.
"""

import datetime as dt

import pytest
from azure.core.exceptions import HttpResponseError

import blob_servers
from blob_access_cases import delegated, of_account, of_blob, of_container
from blob_seen import Session, Token

pytestmark = pytest.mark.xdist_group("blobs")

CONTAINER = "refusals"
HOUR = dt.timedelta(hours=1)
MISMATCH = "This request is not authorized to perform this operation using this permission."
NO_KEY = "Key based authentication is not permitted on this storage account."
FIREWALL = "This request is not authorized to perform this operation."
NOT_SIGNED = "Server failed to authenticate the request."


@pytest.fixture(scope="module")
def on(accounts):
    """The account that accepts its key, with a container and a blob."""
    session = Session(accounts.server(), CONTAINER)
    session.make().upload_blob("day.csv", b"a,b\n")
    yield session
    session.close()


@pytest.fixture
def skewed(accounts):
    """Sets the service's clock wrong, as seen by the client."""
    yield lambda seconds: accounts.emulator.admin(
        "POST", "/faults", json={"effect": {"kind": "clock_skew", "seconds": seconds}}
    )
    accounts.emulator.admin("DELETE", "/faults")


def refused(call, *arguments, status=403, code, says):
    with pytest.raises(HttpResponseError) as raised:
        call(*arguments)
    # A code that the SDK does not know is a text.
    found = getattr(raised.value.error_code, "value", raised.value.error_code)
    assert (raised.value.status_code, found) == (status, code)
    assert raised.value.message.startswith(says), raised.value.message
    return str(raised.value)


@pytest.mark.parametrize("way", ["ports", "names"])
def test_a_reader_may_not_write(accounts, on, way):
    on = Session(accounts.server(way), CONTAINER)
    reader = on.container_as(Token(accounts.token(accounts.accounts.reader)))
    assert reader.download_blob("day.csv").readall() == b"a,b\n"
    assert list(reader.list_blob_names()) == ["day.csv"]
    for call in (
        lambda: reader.upload_blob("new", b""),
        lambda: reader.delete_blob("day.csv"),
        reader.delete_container,
    ):
        refused(call, code="AuthorizationPermissionMismatch", says=MISMATCH)


# To own a subscription gives no right to its data.
@pytest.mark.parametrize("name", ["nothing", "owner"])
def test_a_principal_without_a_data_role_may_do_nothing(accounts, on, name):
    container = on.container_as(Token(accounts.token(getattr(accounts.accounts, name))))
    for call in (
        lambda: container.download_blob("day.csv"),
        lambda: container.upload_blob("new", b""),
        lambda: container.delete_blob("day.csv"),
        lambda: list(container.list_blobs()),
    ):
        refused(call, code="AuthorizationPermissionMismatch", says=MISMATCH)


def test_a_sas_that_has_ended_is_refused(on):
    container = on.container_as(of_container(on, ends=-HOUR / 4))
    said = refused(container.download_blob, "day.csv", code="AuthenticationFailed", says=NOT_SIGNED)
    assert "Signature not valid in the specified time frame" in said
    assert "Signed expiry time" in said or "Expiry" in said


@pytest.mark.parametrize("seconds", [3600, -3600], ids=["fast", "slow"])
def test_a_sas_is_refused_by_a_clock_that_is_an_hour_off(on, skewed, seconds):
    now = dt.datetime.now(dt.UTC)
    container = on.container_as(of_container(on, ends=HOUR / 2, start=now - HOUR / 4))
    assert container.download_blob("day.csv").readall() == b"a,b\n"
    skewed(seconds)
    said = refused(container.download_blob, "day.csv", code="AuthenticationFailed", says=NOT_SIGNED)
    assert "Signature not valid in the specified time frame" in said


@pytest.mark.parametrize("seconds", [3600, -3600], ids=["fast", "slow"])
def test_a_request_signed_with_the_key_is_refused_by_a_clock_that_is_an_hour_off(on, skewed, seconds):
    skewed(seconds)
    refused(on.container.download_blob, "day.csv", code="AuthenticationFailed", says=NOT_SIGNED)


def test_an_account_with_keys_switched_off_takes_tokens_and_delegations_only(accounts):
    on = Session(accounts.server(account=blob_servers.NO_KEYS), CONTAINER)
    writer = on.service_as(Token(on.server.token))
    container = writer.get_container_client(CONTAINER)
    container.create_container()
    container.upload_blob("day.csv", b"a,b\n")
    by_key = (on.server.key, of_container(on), of_blob(on, "day.csv"), of_account(on))
    for credential in by_key:
        client = on.container_as(credential)
        refused(client.download_blob, "day.csv", code="KeyBasedAuthenticationNotPermitted", says=NO_KEY)
    assert on.container_as(delegated(on)).download_blob("day.csv").readall() == b"a,b\n"


def test_a_firewall_refuses_every_credential(accounts):
    on = Session(accounts.server(account=blob_servers.FIREWALL), CONTAINER)
    for credential in (Token(on.server.token), on.server.key, of_container(on)):
        client = on.container_as(credential)
        refused(client.create_container, code="AuthorizationFailure", says=FIREWALL)


def test_a_user_delegation_is_worth_as_much_as_its_user(accounts, on):
    """The SDK signs with the key that it gets, so that the signature is not ours."""
    container = on.container_as(delegated(on))
    container.upload_blob("delegated", b"x", overwrite=True)
    assert sorted(container.list_blob_names()) == ["day.csv", "delegated"]
    container.delete_blob("delegated")
    only = on.container_as(delegated(on, "r", blob="day.csv"))
    assert only.download_blob("day.csv").readall() == b"a,b\n"
    refused(lambda: only.delete_blob("day.csv"), code="AuthorizationPermissionMismatch", says=MISMATCH)
    refused(lambda: only.upload_blob("new", b""), code="AuthenticationFailed", says=NOT_SIGNED)
    # What the user may not do, the signature may not do either.
    service = on.service_as(Token(accounts.token(accounts.accounts.reader)))
    now = dt.datetime.now(dt.UTC)
    key = service.get_user_delegation_key(now - HOUR, now + HOUR)
    reader = on.container_as(delegated(on, key=key))
    assert reader.download_blob("day.csv").readall() == b"a,b\n"
    refused(lambda: reader.delete_blob("day.csv"), code="AuthorizationPermissionMismatch", says=MISMATCH)
    # An account without a data role gets no key.
    service = on.service_as(Token(accounts.token(accounts.accounts.nothing)))
    refused(
        lambda: service.get_user_delegation_key(now - HOUR, now + HOUR),
        code="AuthorizationPermissionMismatch",
        says=MISMATCH,
    )


def test_a_user_delegation_ends_with_its_time_and_its_signature(on):
    now = dt.datetime.now(dt.UTC)
    good = delegated(on)
    for wrong in (
        delegated(on, ends=-HOUR / 2, starts=now - HOUR),
        delegated(on, starts=now + HOUR / 2),
        good.replace("sp=racwdl", "sp=racwdxl"),
        delegated(on, container="elsewhere"),
    ):
        container = on.container_as(wrong)
        refused(container.download_blob, "day.csv", code="AuthenticationFailed", says=NOT_SIGNED)
