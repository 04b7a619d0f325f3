//! `azcred sp federate`.

mod compare;
mod register;
mod trusted;
mod trustee;

use super::found::{absent, find};
use crate::{
    commands::reader::As,
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{STRONG, paint},
        table,
    },
    sign_in::Place,
};
use azcred_azure::{Application, FederatedCredential, FederatedTrust, Graph};
use clap::Args;
use compare::compare;
use serde::Serialize;
use uuid::Uuid;

pub(in crate::commands) use compare::sides;
pub(super) use register::{Registered, RegisteredEntry, register};
pub(in crate::commands) use trusted::not_found_out;
pub(super) use trusted::{Federation, Trust};
pub(super) use trustee::Trustee;

/// Let a CI system or a cluster sign in as an application, without a secret
///
/// Registers a federated credential: from then on, Entra ID accepts the tokens of the named jobs as
/// the application. If it is there already, nothing is changed.
///
/// GitHub and Azure DevOps have two forms of subjects each. azcred finds out which one is right:
/// from the job's own token if it runs in the job, from GitHub's API (with GH_TOKEN or
/// GITHUB_TOKEN, or through GitHub CLI), or from the ids that you give.
///
/// With --check, it shows whether the application trusts such a token, and if not, what is
/// registered beside it. The exit code is then 1.
///
/// You need to own the application, or a directory role that may change it; for a managed identity,
/// a role such as Managed Identity Contributor.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp federate ci-train --github contoso/ml --branch main
  azcred sp federate ci-train --github contoso/ml --environment production
  azcred sp federate ci-train --gitlab contoso/ml --branch main
  azcred sp federate ci-train \\
    --kubernetes https://oidc.contoso.com/cluster training/runner")]
pub(super) struct FederateSp {
    /// The application's name, if azcred made it
    #[arg(value_name = "NAME", value_parser = given::text, required_unless_present_any = ["client_id", "managed_identity"])]
    name: Option<String>,

    /// The application's client id
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    /// Not an application, but this user-assigned managed identity, by its resource id
    #[arg(long, value_name = "ID", value_parser = given::text, conflicts_with_all = ["name", "client_id"])]
    managed_identity: Option<String>,

    #[command(flatten)]
    federation: Federation,

    /// Change the federated credential of this name or subject if it differs
    #[arg(long)]
    replace: bool,

    /// Change nothing: show what is registered beside these values
    #[arg(long, conflicts_with = "replace")]
    check: bool,

    #[command(flatten)]
    identity: As,
}

impl FederateSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let Some(wanted) = self.federation.wanted()? else {
            return Err(Failure::new(
                Kind::Usage,
                "could not tell what the application should trust",
                "no option says it",
            )
            .fix("add `--github OWNER/REPOSITORY --branch NAME`, `--gitlab`, `--azure-pipelines`, `--kubernetes`, or `--issuer` and `--subject`"));
        };
        let place = Place::here()?;
        let reader = self.identity.reader(&place, output);
        let reader = output.waiting("Signing in", reader).await?;
        let work = async {
            let trust = wanted.trust(&reader).await?;
            let trustee = match &self.managed_identity {
                Some(id) => Trustee::identity(&reader, id).await?,
                None => {
                    let name = self.name.as_deref();
                    let found = application(&reader.graph, name, self.client_id).await?;
                    Trustee::Application(&reader.graph, Box::new(found))
                }
            };
            let done = match self.check {
                true => Done::Compared(trust.0, trustee.registered().await?),
                false => {
                    let name = self.federation.credential_name();
                    let registered = register(&trustee, trust, name, self.replace);
                    Done::Registered(Box::new(registered.await?))
                }
            };
            Ok::<_, Failure>((trustee, done))
        };
        let what = match self.check {
            true => "Reading the federated credentials",
            false => "Registering the federated credential",
        };
        let (trustee, done) = output.waiting(what, work).await?;
        match done {
            Done::Compared(trust, registered) => {
                let is_trusted = compare(&trustee, &registered, &trust, output);
                Ok(u8::from(!is_trusted))
            }
            Done::Registered(registered) => {
                show(&registered, &trustee, reader.tenant_id(), output);
                Ok(0)
            }
        }
    }
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FederatedDocument<'a> {
    name: &'a str,
    client_id: Uuid,
    tenant_id: Option<&'a str>,
    #[serde(flatten)]
    registered: RegisteredEntry<'a>,
}

fn show(registered: &Registered, trustee: &Trustee<'_>, tenant: Option<&str>, output: &mut Output) {
    if output.is_json() {
        output.json(&FederatedDocument {
            name: trustee.name(),
            client_id: trustee.client_id(),
            tenant_id: tenant,
            registered: registered.entry(),
        });
        return;
    }
    let name = paint(STRONG, trustee.name());
    let mut rows = vec![
        (
            trustee.word(),
            format!("{name} (client id {})", trustee.client_id()),
        ),
        ("Tenant", tenant.unwrap_or_default().to_owned()),
    ];
    rows.extend(registered.rows());
    output.line(registered.headline());
    output.line("");
    for line in table::pairs(&rows) {
        output.line(line);
    }
    for remark in registered.remarks() {
        output.remark(&remark);
    }
}

/// The application with a client id, or else the one of a name that azcred made.
pub(in crate::commands) async fn application(
    graph: &Graph,
    name: Option<&str>,
    client_id: Option<Uuid>,
) -> Result<Application, Failure> {
    let found = find(graph, name, client_id).await?;
    found.ok_or_else(|| {
        let name = name.unwrap_or_default();
        let why = "azcred made no application of this name in this tenant";
        absent(name, why).fix(format!(
            "make it with `azcred sp create {name}`, or name another one with `--client-id`"
        ))
    })
}

/// What a run did.
enum Done {
    Registered(Box<Registered>),
    Compared(FederatedTrust, Vec<FederatedCredential>),
}
