"""Microsoft's Graph SDK: reads the directory as the account of its environment, and prints what it found."""

import asyncio
import json

from azure.identity import DefaultAzureCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.applications.applications_request_builder import ApplicationsRequestBuilder
from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import (
    GetByIdsPostRequestBody,
)
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.service_principals.service_principals_request_builder import (
    ServicePrincipalsRequestBuilder,
)
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.get_member_groups.get_member_groups_post_request_body import (
    GetMemberGroupsPostRequestBody,
)
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

PERSON = "grace@contoso.com"
GROUP = "f0000001-0000-4000-8000-000000000002"


def query(builder, eventual=False, **parameters):
    """The options of a list, in a query that is advanced if it is eventually consistent."""
    kind = next(getattr(builder, name) for name in dir(builder) if name.endswith("GetQueryParameters"))
    configuration = RequestConfiguration(query_parameters=kind(**parameters))
    if eventual:
        configuration.headers.add("ConsistencyLevel", "eventual")
    return configuration


def names(page):
    return [one.display_name for one in page.value]


async def refusal(request):
    try:
        await request
    except ODataError as error:
        return [error.response_status_code, error.error.code, error.error.message]
    return None


async def main():
    client = GraphServiceClient(DefaultAzureCredential(), scopes=["https://graph.microsoft.com/.default"])
    found = {}

    users = client.users
    found["starts"] = names(
        await users.get(
            query(
                UsersRequestBuilder, filter="startswith(displayName,'a')", select=["displayName", "userType"]
            )
        )
    )
    searched = await users.get(
        query(UsersRequestBuilder, True, search='"displayName:hopper" OR "displayName:love"', count=True)
    )
    found["searched"], found["searched count"] = names(searched), searched.odata_count
    configuration = RequestConfiguration()
    configuration.headers.add("ConsistencyLevel", "eventual")
    found["count"] = await users.count.get(configuration)
    found["ends"] = names(
        await users.get(
            query(UsersRequestBuilder, True, filter="endswith(userPrincipalName,'contoso.com')", count=True)
        )
    )

    first = await users.get(query(UsersRequestBuilder, top=1, orderby=["displayName"]))
    every = []
    await PageIterator(first, client.request_adapter).iterate(
        lambda one: every.append(one.display_name) or True
    )
    found["pages"] = every

    person = await users.by_user_id(PERSON).get()
    found["person"] = [person.display_name, person.mail, person.business_phones]
    member = users.by_user_id(PERSON)
    found["member of"] = [
        [type(one).__name__, one.display_name] for one in (await member.member_of.get()).value
    ]
    found["transitive"] = sorted(names(await member.transitive_member_of.graph_group.get()))
    wanted = GetMemberGroupsPostRequestBody(security_enabled_only=False)
    found["group ids"] = sorted((await member.get_member_groups.post(wanted)).value)
    checked = CheckMemberGroupsPostRequestBody(group_ids=[GROUP])
    found["checked"] = (await member.check_member_groups.post(checked)).value

    groups = client.groups
    found["groups"] = names(await groups.get(query(GroupsRequestBuilder, filter="securityEnabled eq true")))
    group = groups.by_group_id(GROUP)
    found["members"] = sorted(type(one).__name__ for one in (await group.members.get()).value)
    found["all members"] = sorted(names(await group.transitive_members.graph_user.get()))

    applications = client.applications
    found["applications"] = names(
        await applications.get(query(ApplicationsRequestBuilder, filter="startswith(displayName,'azcred-d')"))
    )
    demo = "a0000001-0000-4000-8000-000000000001"
    application = await client.applications_with_app_id(demo).get()
    found["owners"] = names(await applications.by_application_id(application.id).owners.get())
    found["secret"] = [
        [secret.display_name, secret.secret_text] for secret in application.password_credentials
    ]
    federated = await client.applications_with_app_id("a0000001-0000-4000-8000-000000000005").get()
    credentials = await applications.by_application_id(federated.id).federated_identity_credentials.get()
    found["federated"] = [one.name for one in credentials.value]

    principals = client.service_principals
    found["principals"] = names(
        await principals.get(
            query(ServicePrincipalsRequestBuilder, filter=f"servicePrincipalNames/any(n:n eq '{demo}')")
        )
    )
    graph = await client.service_principals_with_app_id("00000003-0000-0000-c000-000000000000").get()
    found["graph"] = [graph.display_name, any(role.value == "Directory.Read.All" for role in graph.app_roles)]
    objects = GetByIdsPostRequestBody(ids=[person.id, GROUP, graph.id], types=["user", "group"])
    by_ids = await client.directory_objects.get_by_ids.post(objects)
    found["by ids"] = sorted(type(one).__name__ for one in by_ids.value)
    organization = await client.organization.get()
    found["organization"] = [
        organization.value[0].display_name,
        organization.value[0].verified_domains[0].name,
    ]

    items = [
        BatchRequestItem(users.by_user_id(PERSON).to_get_request_information(), id="1"),
        BatchRequestItem(groups.to_get_request_information(query(GroupsRequestBuilder, top=1)), id="2"),
        BatchRequestItem(users.by_user_id("nobody@contoso.com").to_get_request_information(), id="3"),
        BatchRequestItem(client.organization.to_get_request_information(), id="absolute"),
    ]
    # The SDK writes absolute URLs, which Graph rejects (microsoftgraph/msgraph-sdk-python#1015).
    for item in items[:3]:
        item.url = item.url.split("/v1.0/")[1]
    answers = await client.batch.post(
        batch_request_content=BatchRequestContent({one.id: one for one in items})
    )
    found["batch"] = {id: answers.responses[id].status for id in answers.responses}

    found["me"] = await refusal(client.me.get()) or (await client.me.get()).display_name
    found["unknown"] = await refusal(users.by_user_id("nobody@contoso.com").get())
    found["not served"] = await refusal(client.sites.get_all_sites.get())
    print(json.dumps(found))


asyncio.run(main())
