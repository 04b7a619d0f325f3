//! The identity of Terraform's provider azurerm, by its variables ('Authenticating to Azure': a
//! client certificate, a client secret, OpenID Connect, a managed identity, Azure CLI).

use super::Acts;
use azcred::{Principal, PrincipalKind, system::System};

/// The variables that prove an application, each of which counts with `ARM_CLIENT_ID`.
const PROOFS: [&str; 4] = [
    "ARM_CLIENT_CERTIFICATE_PATH",
    "ARM_CLIENT_CERTIFICATE",
    "ARM_CLIENT_SECRET",
    "ARM_CLIENT_SECRET_FILE_PATH",
];

/// What Terraform would act as. `az` is what Azure CLI acts as, which comes last.
pub(super) fn acts(system: &dyn System, own: &Principal, az: &Acts) -> Acts {
    let is_on = |name: &str| {
        let value = system.var(name);
        value.is_some_and(|value| ["1", "true"].contains(&&*value.to_ascii_lowercase()))
    };
    let mut proofs = PROOFS
        .into_iter()
        .filter(|name| system.var_os(name).is_some());
    let proof = proofs.next().or_else(|| {
        let mut oidc = ["ARM_USE_OIDC", "ARM_USE_AKS_WORKLOAD_IDENTITY"].into_iter();
        oidc.find(|name| is_on(name))
    });
    let ids = (system.var("ARM_CLIENT_ID"), system.var("ARM_TENANT_ID"));
    if let ((Some(client_id), Some(tenant)), Some(proof)) = (ids, proof) {
        let own_tenant = own.tenant_id.as_deref();
        let is_own_tenant = own_tenant.is_none_or(|own| own.eq_ignore_ascii_case(&tenant));
        let is_application = matches!(
            own.kind,
            PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity
        );
        return match is_application && own.is_called(&client_id) {
            true => Acts::Same(proof.to_owned()),
            false => Acts::Other {
                who: format!("service principal {client_id}"),
                from: proof.to_owned(),
                is_near: is_own_tenant,
            },
        };
    }
    if is_on("ARM_USE_MSI") {
        let from = "ARM_USE_MSI".to_owned();
        return match own.kind {
            PrincipalKind::ManagedIdentity => Acts::Same(from),
            _ => Acts::Other {
                who: "this machine's managed identity".to_owned(),
                from,
                is_near: false,
            },
        };
    }
    let cli = system.var("ARM_USE_CLI");
    match cli.is_some_and(|value| ["0", "false"].contains(&&*value.to_ascii_lowercase())) {
        true => Acts::Nothing(None),
        false => az.clone(),
    }
}
