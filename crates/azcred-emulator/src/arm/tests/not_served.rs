//! What Azure has and the emulator does not is never said to be missing in Azure.

use super::*;

#[tokio::test]
async fn what_azure_has_and_the_emulator_does_not_is_said_to_be_not_served() {
    let azure = azure();
    // One that both Resource Manager and Azure Machine Learning have.
    let version = "api-version=2025-04-01";
    for (method, path) in [
        (
            Method::GET,
            format!("{GROUP}/providers/Microsoft.Network/virtualNetworks"),
        ),
        (
            Method::GET,
            format!("{GROUP}/providers/Microsoft.Web/sites/app"),
        ),
        (
            Method::PUT,
            format!("{GROUP}/providers/microsoft.containerservice/managedClusters/x"),
        ),
        (
            Method::GET,
            format!("{GROUP}/providers/Microsoft.Storage/fileServices"),
        ),
        (
            Method::GET,
            format!("{WORKSPACE}/providers/Microsoft.Insights/diagnosticSettings"),
        ),
        (Method::GET, format!("{WORKSPACE}/nests")),
        (Method::POST, format!("{WORKSPACE}/listKeys")),
        (
            Method::GET,
            format!("{SUBSCRIPTION}/providers/Microsoft.Network"),
        ),
        (
            Method::POST,
            format!("{SUBSCRIPTION}/providers/Microsoft.Network/register"),
        ),
        (
            Method::GET,
            format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments"),
        ),
        (
            Method::PUT,
            format!("{GROUP}/providers/Microsoft.Authorization/locks/mine"),
        ),
        (
            Method::PUT,
            format!("{GROUP}/providers/Microsoft.Resources/deployments/mine"),
        ),
        (
            Method::PATCH,
            format!("{GROUP}/providers/Microsoft.Resources/tags/default"),
        ),
        (
            Method::GET,
            format!("{GROUP}/providers/Microsoft.Resources/templateSpecs"),
        ),
        (Method::PUT, format!("{SUBSCRIPTION}/tagNames/cost")),
        (Method::POST, format!("{GROUP}/exportTemplate")),
        (Method::POST, format!("{GROUP}/moveResources")),
        (
            Method::GET,
            "/providers/Microsoft.Capacity/reservationOrders".to_owned(),
        ),
        (
            Method::POST,
            "/providers/Microsoft.ResourceGraph/resources".to_owned(),
        ),
        (
            Method::PATCH,
            format!(
                "{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x/federatedIdentityCredentials/y"
            ),
        ),
        (Method::POST, "/batch".to_owned()),
        (Method::DELETE, "/tenants".to_owned()),
    ] {
        let path = format!("{path}?{version}");
        let got = azure.call(OWNER, method.clone(), &path, None).await;
        let message = got.refused(501, "NotServedByEmulator");
        assert!(
            message.starts_with(&format!("This emulator does not serve '{method} ")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn what_azure_does_not_have_either_keeps_azures_error() {
    let azure = azure();
    for (path, status, code) in [
        (
            format!("{GROUP}/providers/Microsoft.Nonsense/nests/x?{ML}"),
            404,
            "InvalidResourceNamespace",
        ),
        (
            format!("{SUBSCRIPTION}/providers/Microsoft.Nonsense?{ARM}"),
            404,
            "InvalidResourceNamespace",
        ),
        (
            format!("/providers/Microsoft.Nonsense/nests?{ML}"),
            404,
            "MissingSubscription",
        ),
        (
            format!("{SUBSCRIPTION}/nests?{ARM}"),
            404,
            "InvalidResourceType",
        ),
        (
            format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/none?{ML}"),
            404,
            "ResourceNotFound",
        ),
    ] {
        azure.get(OWNER, &path).await.refused(status, code);
    }
}

#[tokio::test]
async fn the_token_is_checked_before_it_is_said_what_is_not_served() {
    let azure = azure();
    let path = format!("{GROUP}/exportTemplate?{ARM}");
    azure
        .get_with(None, &path)
        .await
        .refused(401, "AuthenticationFailed");
    let unknown = format!("/subscriptions/{}/moveResources?{ARM}", Uuid::new_v4());
    azure
        .get(OWNER, &unknown)
        .await
        .refused(404, "SubscriptionNotFound");
}
