//! `azcred tenant`: the identity's tenants, or the tenant of a domain.

use super::{account::options, reader::As};
use crate::{
    choice::InProfile,
    failure::Failure,
    output::{
        Output,
        style::{DIM, paint},
        table,
        wrap::Stream,
    },
    sign_in::Place,
};
use azcred::{TenantId, Untrusted};
use azcred_azure::tenant_of_domain;
use clap::{Args, ValueEnum, builder::PossibleValue};
use serde::Serialize;

/// List your tenants, or find the tenant of a domain
///
/// Without DOMAIN, lists the tenants that your account belongs to: name, default domain and id.
///
/// With DOMAIN, prints the id of the tenant that owns it. This needs no sign-in, because Microsoft
/// Entra ID publishes the id.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred tenant
  azcred tenant contoso.com

  # prints AZURE_TENANT_ID=…, for a file of variables or for this shell
  azcred tenant contoso.com --env azure >> .env
  export $(azcred tenant contoso.com --env azure)")]
pub(crate) struct Tenant {
    /// A domain of the tenant, such as contoso.com or contoso.onmicrosoft.com
    #[arg(value_name = "DOMAIN", value_parser = TenantId::new, conflicts_with_all = ["tenant", "preset", "only", "exclude", "expect_tenant", "expect_principal", "expect_source", "profile"])]
    domain: Option<TenantId>,

    /// Print the id as a variable: azure for AZURE_TENANT_ID=…, hi-ml for HIML_TENANT_ID=…
    #[arg(
        long,
        value_name = "PROGRAMS",
        requires = "domain",
        hide_possible_values = true
    )]
    env: Option<Programs>,

    #[command(flatten)]
    identity: As,
}

/// The programs for whose variable the id is printed.
#[derive(Clone, Copy, Debug)]
enum Programs {
    Azure,
    HiMl,
}

impl Programs {
    fn variable(self) -> &'static str {
        match self {
            Self::Azure => "AZURE_TENANT_ID",
            Self::HiMl => "HIML_TENANT_ID",
        }
    }
}

impl ValueEnum for Programs {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Azure, Self::HiMl]
    }

    /// The names are those of the presets.
    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Azure => PossibleValue::new("azure").help("for the Azure SDKs"),
            Self::HiMl => PossibleValue::new("hi-ml").alias("himl").help("for hi-ml"),
        })
    }
}

/// The output of `--output json` without a domain. With one, it is [`azcred_azure::DomainTenant`].
#[derive(Serialize)]
struct TenantsDocument<'a> {
    tenants: Vec<TenantEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantEntry<'a> {
    tenant_id: &'a Untrusted,
    display_name: Option<&'a Untrusted>,
    default_domain: Option<&'a Untrusted>,
    /// Whether it is the tenant of the token.
    is_current: bool,
}

impl Tenant {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match &self.domain {
            Some(domain) => find(domain, self.env, output).await,
            None => self.list(output).await,
        }
    }

    async fn list(&self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let looked = async {
            let reader = self.identity.reader(&place, output).await?;
            let mut tenants = reader.manager.tenants().await?.value;
            tenants.sort_by_key(|tenant| {
                let name = tenant.display_name.as_deref().unwrap_or_default();
                (name.to_lowercase(), tenant.tenant_id.clone())
            });
            Ok::<_, Failure>((reader, tenants))
        };
        let (reader, tenants) = output.waiting("Listing the tenants", looked).await?;
        let own = reader.tenant_id().unwrap_or_default();
        let is_current = |id: &str| id.eq_ignore_ascii_case(own);
        if output.is_json() {
            let tenants = tenants.iter().map(|tenant| TenantEntry {
                tenant_id: &tenant.tenant_id,
                display_name: tenant.display_name.as_ref(),
                default_domain: tenant.default_domain.as_ref(),
                is_current: is_current(&tenant.tenant_id),
            });
            output.json(&TenantsDocument {
                tenants: tenants.collect(),
            });
            return Ok(0);
        }
        let text = |text: &Option<Untrusted>| text.as_deref().unwrap_or_default().to_owned();
        let rows: Vec<[String; 4]> = tenants
            .iter()
            .map(|tenant| {
                [
                    text(&tenant.display_name),
                    text(&tenant.default_domain),
                    tenant.tenant_id.to_string(),
                    match is_current(&tenant.tenant_id) && tenants.len() > 1 {
                        true => paint(DIM, "current"),
                        false => String::new(),
                    },
                ]
            })
            .collect();
        let head = ["Tenant", "default domain", "id", ""];
        for line in table::columns(head, &rows, Stream::Stdout.columns()) {
            output.line(line);
        }
        if tenants.len() > 1 {
            output.remark(&format!(
                "to use another tenant, add `--tenant DOMAIN` to a command, or sign in to it: `{}`",
                reader.suggested.command("login --tenant DOMAIN")
            ));
        }
        Ok(0)
    }
}

/// Prints the id of a domain's tenant.
async fn find(
    domain: &TenantId,
    env: Option<Programs>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let options = options(&InProfile::default(), output).await?;
    let asked = tenant_of_domain(&options, domain);
    let tenant = output.waiting("Looking for the tenant", asked).await?;
    match env {
        _ if output.is_json() => output.json(&tenant),
        Some(programs) => output.line(format!("{}={}", programs.variable(), tenant.tenant_id)),
        None if output.is_terminal() => {
            output.line(format!("tenant id of {domain}: {}", tenant.tenant_id));
        }
        None => output.line(&tenant.tenant_id),
    }
    Ok(0)
}
