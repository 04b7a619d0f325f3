"""Makes an application with Microsoft's Graph SDK, changes it, and deletes it. Writes what it saw as JSON."""

import asyncio
import json
import uuid

from azure.identity import AzureCliCredential
from msgraph import GraphServiceClient
from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
    AddPasswordPostRequestBody,
)
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import (
    RemovePasswordPostRequestBody,
)
from msgraph.generated.models.application import Application
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.service_principal import ServicePrincipal

ADA = "e0000001-0000-4000-8000-000000000001"
GRACE = "e0000001-0000-4000-8000-000000000002"


async def main():
    graph = GraphServiceClient(
        AzureCliCredential(process_timeout=90), ["https://graph.microsoft.com/.default"]
    )
    saw = {}
    made = await graph.applications.post(Application(display_name="sdk", tags=["ours"]))
    app = graph.applications.by_application_id(made.id)
    key = uuid.uuid4()
    body = AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="ci", key_id=key))
    secret = await app.add_password.post(body)
    saw["secret"] = [secret.key_id == key, secret.secret_text.startswith(secret.hint)]
    principal = await graph.service_principals.post(ServicePrincipal(app_id=made.app_id))
    saw["principal"] = [principal.display_name, principal.tags]
    trusted = FederatedIdentityCredential(
        name="ci", issuer="https://ci.example", subject="main", audiences=["api://AzureADTokenExchange"]
    )
    await app.federated_identity_credentials.post(trusted)
    try:
        await app.federated_identity_credentials.post(trusted)
    except ODataError as error:
        saw["twice"] = [error.response_status_code, error.error.code]
    [listed] = (await app.federated_identity_credentials.get()).value
    await app.federated_identity_credentials.by_federated_identity_credential_id(listed.id).delete()
    reference = ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{GRACE}")
    await app.owners.ref.post(reference)
    saw["owners"] = sorted(owner.id for owner in (await app.owners.get()).value)
    await app.owners.by_directory_object_id(GRACE).ref.delete()
    await app.patch(Application(display_name="sdk, renamed"))
    await app.remove_password.post(RemovePasswordPostRequestBody(key_id=key))
    shown = await app.get()
    saw["then"] = [shown.display_name, shown.password_credentials]
    policy = await graph.policies.authorization_policy.get()
    saw["policy"] = policy.default_user_role_permissions.allowed_to_create_apps
    roles = await graph.me.transitive_member_of.graph_directory_role.get()
    saw["roles"] = [role.display_name for role in roles.value]
    await app.delete()
    item = graph.directory.deleted_items.by_directory_object_id(made.id)
    await item.restore.post()
    await app.delete()
    await item.delete()
    try:
        await app.get()
    except ODataError as error:
        saw["gone"] = error.response_status_code
    print(json.dumps(saw))


asyncio.run(main())
