//! `azcred sp create`.

use super::{
    breadth,
    created::Created,
    credential::Credential,
    federate::{Federation, Registered, Trust, Trustee, register},
    found::find,
    handover::{Expected, Handover, HandoverOptions, NewCredential, NewProof, ProofKind},
    make::{Granted, Identity, add_owners, grant, identity},
    pending::{End, Fresh, add_certificate, add_secret, own_live, settle, take_back},
    permitted::{Denied, Planned, denied, for_roles},
    proof::{Candidate, Proof, Target, prove},
    replication::{LIMIT, Patience},
    unfinished::Unfinished,
};
use crate::{
    commands::{
        ci::IdentityWorkflow,
        reader::Reader,
        role::{
            people::{Person, meant},
            place::{Where, role},
        },
    },
    failure::{Failure, Kind},
    given,
    output::{Output, time},
    shell,
    sign_in::Place,
};
use ::time::OffsetDateTime;
use azcred::{ClientId, TenantId};
use azcred_azure::{Application, Located, RoleScope};
use clap::Args;
use std::time::Duration;
use uuid::Uuid;

/// Create a service principal, give it a role at the workspace, and prove that it works
///
/// Creates an application with its service principal in this tenant, and assigns it a role at the
/// workspace. Then it signs in as the new principal and checks what it may do, as `azcred doctor`
/// does. A new secret is handed over without being shown. It says what it changes before it does.
/// What is there already stays as it is: if the command was interrupted, run it again to finish.
///
/// You need to be allowed to create applications, as most users are, and a role that may assign
/// roles, such as Owner, User Access Administrator or Role Based Access Control Administrator.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # for programs on this machine: `azcred exec --profile ci-train -- ...`
  azcred sp create ci-train --secret

  # for hi-ml, in a file that git ignores
  azcred sp create ci-train --for himl --to .env

  azcred sp create ci-report --role Reader --workspace WORKSPACE_ID

  # for jobs of a repository on GitHub, without a secret
  azcred sp create ci-train --github contoso/ml --branch main

For the proof of a service principal without a secret, azcred adds a secret that
it keeps in memory and removes again.")]
pub(super) struct CreateSp {
    /// The name of the application
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: String,

    /// Use the application with this client id, though azcred did not make it
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    /// The role's name or id
    #[arg(long, value_name = "ROLE", value_parser = given::text, default_value = "AzureML Data Scientist")]
    role: String,

    /// Assign no role. The request to an administrator who may assign it is printed
    #[arg(long, conflicts_with = "with_data_access")]
    no_role: bool,

    /// Also make this account an owner of the application: a sign-in name, a name or an object id.
    /// Repeat it for several
    #[arg(long = "owner", value_name = "WHO", value_parser = given::text)]
    owners: Vec<String>,

    /// Do not read first whether this account may do it
    #[arg(long)]
    no_check: bool,

    /// Also let it read and write the data in the workspace's storage account
    #[arg(long)]
    with_data_access: bool,

    /// Add a secret
    #[arg(long, conflicts_with = "no_secret")]
    secret: bool,

    /// Make a key, and add its certificate. Needs --to FILE
    #[arg(long, conflicts_with_all = ["secret", "no_secret"])]
    certificate: bool,

    /// Add no secret. This is the default, unless --for names a use that needs one
    #[arg(long)]
    no_secret: bool,

    /// How long the secret or certificate can be used [default: 90d]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    expires: Option<Duration>,

    /// Wait this long, at most, until all of Azure knows what is new [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    wait: Option<Duration>,

    #[command(flatten)]
    at: Where,

    #[command(flatten)]
    handover: HandoverOptions,

    #[command(flatten)]
    federation: Federation,
}

/// How long a secret can be used.
pub(super) const EXPIRES: Duration = Duration::from_secs(90 * 86_400);
/// How long the secret of a proof could be used, if it could not be removed.
const OF_PROOF: Duration = Duration::from_secs(30 * 60);
/// The role with which data in a storage account is read and written.
const DATA_ROLE: &str = "Storage Blob Data Contributor";

/// What is read before anything is created.
struct Plan {
    reader: Reader,
    tenant: String,
    found: Option<Application>,
    /// Who is to own it too.
    owners: Vec<Person>,
    roles: Vec<Granted>,
    workspace: Option<Located>,
    kind: ProofKind,
    /// What it should trust.
    trust: Option<Trust>,
}

/// What was made, before the secret is handed over.
struct Made {
    identity: Identity,
    /// For each role that was to be assigned, whether it is new.
    are_roles_new: Vec<bool>,
    /// The federated credential.
    trusted: Option<Registered>,
    /// The new key.
    fresh: Option<Fresh>,
    proof: Option<Proof>,
}

impl CreateSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = match self.at.scope(&place) {
            // It is only for the request.
            Err(missing) if self.no_role && missing.kind == Kind::NotFound => None,
            scope => Some(scope?),
        };
        let workflow = self.workflow()?;
        let plan = self.plan(&place, scope, output);
        let plan = output.waiting("Looking what is there", plan).await?;
        if let Some(denied) = self.denied(&plan, output).await? {
            return Ok(denied.show(output));
        }
        for granted in self.assigned(&plan) {
            for warning in breadth::warnings(&granted.role, &granted.scope) {
                output.remark(&warning);
            }
        }
        let handover = self.check(&plan, &place, output).await?;
        if let Some(workflow) = &workflow {
            let found = plan.found.as_ref();
            let ids = found.map(|found| (found.app_id.to_string(), plan.tenant.clone()));
            workflow.check(&place.folder, ids)?;
        }
        let mut unfinished = Unfinished::new();
        let mut made = {
            let spinner = output.spinner("Creating");
            let patience = Patience {
                output,
                spinner: &spinner,
                limit: self.wait.unwrap_or(LIMIT),
            };
            let work = self.make(&plan, &place, patience, &mut unfinished);
            spinner.during(work).await?
        };
        let credential = self
            .hand_over(&plan, &mut made, &handover, &place, output)
            .await?;
        let ids = (
            made.identity.application.app_id.to_string(),
            plan.tenant.clone(),
        );
        let workflow = workflow.map(|workflow| workflow.write(&place.folder, ids));
        let workflow = workflow.transpose()?;
        unfinished.finish();
        let is_requested = self.no_role && !plan.roles.is_empty();
        let request = is_requested.then(|| for_roles(&plan.reader, &made.identity, &plan.roles));
        let created = Created {
            identity: made.identity,
            tenant: plan.tenant,
            roles: plan.roles.into_iter().zip(made.are_roles_new).collect(),
            request,
            trusted: made.trusted,
            credential,
            workflow,
            proof: made.proof,
        };
        created.tell(handover.takes_stdout(), output);
        let failed = created.proof.as_ref().and_then(Proof::failed);
        Ok(failed.map_or(0, Kind::exit_code))
    }

    /// The workflow that is asked for.
    fn workflow(&self) -> Result<Option<IdentityWorkflow>, Failure> {
        if !self.handover.is_for_github() || self.secret || self.certificate {
            return Ok(None);
        }
        match self.federation.github_run()? {
            Some(run) => IdentityWorkflow::new(run).map(Some),
            None => Err(Failure::new(
                Kind::Usage,
                "could not tell how GitHub's jobs should sign in",
                "no option names the jobs that the application should trust",
            )
            .fix("add `--github OWNER/REPOSITORY --branch NAME`: no secret is needed then; or add `--secret`")),
        }
    }

    /// Reads what is there, and what is meant.
    async fn plan(
        &self,
        place: &Place,
        scope: Option<RoleScope>,
        output: &Output,
    ) -> Result<Plan, Failure> {
        let wanted = self.federation.wanted()?;
        let reader = self.at.identity.reader(place, output).await?;
        let trust = match &wanted {
            Some(wanted) => Some(wanted.trust(&reader).await?),
            None => None,
        };
        let tenant = reader.tenant_id().map(str::to_owned).ok_or_else(|| {
            Failure::new(
                Kind::Unexpected,
                "could not find the tenant",
                "the token of the sign-in does not name it",
            )
            .fix("name the tenant with `--tenant`")
        })?;
        let found = find(&reader.graph, Some(&self.name), self.client_id).await?;
        let mut owners = Vec::new();
        for owner in &self.owners {
            owners.push(meant(&reader, owner).await?.person);
        }
        let scoped = scope.as_ref();
        let workspace = scoped.and_then(|scope| self.at.workspace_in(scope, place));
        let storage = match self.no_role {
            true => None,
            false => self.storage(&reader, workspace.as_ref()).await?,
        };
        let mut roles = Vec::new();
        if let Some(scope) = scope {
            let role = role(&reader.manager, &scope, &self.role).await?;
            roles.push(Granted { role, scope });
        }
        if let Some(scope) = storage {
            let role = role(&reader.manager, &scope, DATA_ROLE).await?;
            roles.push(Granted { role, scope });
        }
        let is_implied = self.handover.implies_secret() && !self.no_secret && trust.is_none();
        let kind = match (self.certificate, self.secret || is_implied) {
            (true, _) => ProofKind::Certificate,
            (false, true) => ProofKind::Secret,
            (false, false) => ProofKind::Federated,
        };
        Ok(Plan {
            reader,
            tenant,
            found,
            owners,
            roles,
            workspace,
            kind,
            trust,
        })
    }

    /// What this account may not do, and the request for it.
    async fn denied(&self, plan: &Plan, output: &Output) -> Result<Option<Denied>, Failure> {
        if self.no_check {
            return Ok(None);
        }
        let planned = Planned {
            name: &self.name,
            application: plan.found.as_ref(),
            roles: self.assigned(plan),
        };
        let read = denied(&plan.reader, &planned);
        output
            .waiting("Reading what this account may do", read)
            .await
    }

    /// The roles that are assigned.
    fn assigned<'a>(&self, plan: &'a Plan) -> &'a [Granted] {
        match self.no_role {
            true => &[],
            false => &plan.roles,
        }
    }

    /// The workspace's storage account, if its data are needed. The workspace must exist.
    async fn storage(
        &self,
        reader: &Reader,
        workspace: Option<&Located>,
    ) -> Result<Option<RoleScope>, Failure> {
        let what = "could not find the storage account";
        let Some(located) = workspace else {
            return match self.with_data_access {
                false => Ok(None),
                true => Err(
                    Failure::new(Kind::Usage, what, "no workspace is named").fix(
                        "name the workspace with `--workspace`, or leave `--with-data-access` out",
                    ),
                ),
            };
        };
        let read = reader.manager.workspace(&located.workspace).await?.value;
        if !self.with_data_access {
            return Ok(None);
        }
        let account = read.properties.storage_account.ok_or_else(|| {
            Failure::new(
                Kind::Unexpected,
                what,
                format!("Azure names none for the workspace {}", read.name),
            )
            .fix("leave `--with-data-access` out, and assign the role with `azcred role assign --scope`")
        })?;
        Ok(Some(RoleScope::new(account.raw())?))
    }

    /// Checks the place of the secret before anything is created.
    async fn check(
        &self,
        plan: &Plan,
        place: &Place,
        output: &Output,
    ) -> Result<Handover, Failure> {
        let client_id = plan.found.as_ref().map(|found| client_id(found.app_id));
        let client_id = client_id.transpose()?;
        let expected = Expected {
            name: &self.name,
            client_id: client_id.as_ref(),
            proof: plan.kind,
        };
        let handover = self.handover.check(&expected, place, output).await?;
        let mut found = plan.found.iter().filter(|_| plan.kind == ProofKind::Secret);
        let has_one = found.any(|one| own_live(one, &one.secrets).next().is_some());
        match handover.takes_stdout() && has_one {
            true => Err(Failure::new(
                Kind::Invalid,
                format!(
                    "could not write the secret of {} to standard output",
                    self.name
                ),
                "it has one already, and Azure shows a secret only when it is made",
            )
            .fix(format!(
                "make a new one: `azcred sp rotate {}` with the same options",
                shell::word(&self.name)
            ))),
            false => Ok(handover),
        }
    }

    async fn make(
        &self,
        plan: &Plan,
        place: &Place,
        patience: Patience<'_>,
        unfinished: &mut Unfinished,
    ) -> Result<Made, Failure> {
        let graph = &plan.reader.graph;
        let found = plan.found.clone();
        let identity = identity(&plan.reader, &self.name, found, patience, unfinished).await?;
        add_owners(graph, &identity, &plan.owners, patience).await?;
        let mut made = Made {
            identity,
            are_roles_new: Vec::new(),
            trusted: None,
            fresh: None,
            proof: None,
        };
        let Identity {
            application,
            principal,
            ..
        } = &mut made.identity;
        for granted in self.assigned(plan) {
            let is_new = grant(&plan.reader, principal, granted, patience).await?;
            made.are_roles_new.push(is_new);
        }
        if let Some(trust) = &plan.trust {
            patience.say(format!("Trusting {}", trust.0.subject()));
            let name = self.federation.credential_name();
            let trustee = Trustee::Application(graph, Box::new(application.clone()));
            let registered = register(&trustee, trust.clone(), name, false).await?;
            made.trusted = Some(registered);
        }
        let (keys, what) = match plan.kind {
            ProofKind::Certificate => (&application.certificates, "certificate"),
            _ => (&application.secrets, "secret"),
        };
        let live = own_live(application, keys).next().cloned();
        let wants_key = plan.kind != ProofKind::Federated;
        if let (true, Some(key)) = (wants_key, &live) {
            let end = key.ends_on.map(time::in_time).unwrap_or_default();
            patience.say(format!(
                "It has a {what} already, which ends {end}; `azcred sp rotate` makes a new one"
            ));
        }
        let adds = wants_key && live.is_none();
        let expires = match adds {
            true => self.expires.unwrap_or(EXPIRES),
            false => OF_PROOF,
        };
        patience.say(match adds {
            true => format!("Adding a {what} that can be used for {}", span(expires)),
            false => {
                "Adding a secret for the proof; it stays in memory, and is removed again".to_owned()
            }
        });
        let ends_on = OffsetDateTime::now_utc() + expires;
        let added = match adds && plan.kind == ProofKind::Certificate {
            true => add_certificate(graph, application, ends_on, patience).await,
            false => add_secret(graph, application, ends_on, patience).await,
        };
        let added = match added {
            Ok(added) => added,
            // The tenant allows no secrets. An identity that needs none is complete without.
            Err(error) if !adds && error.kind == Kind::NotPermitted => {
                patience.say(format!("Not proved: {}", error.why));
                settle(graph, application, &End::default(), patience).await?;
                return Ok(made);
            }
            Err(error) => return Err(error),
        };
        patience.say(format!("Signing in as {}", self.name));
        let candidate = Candidate {
            tenant: &plan.tenant,
            client_id: application.app_id,
            proof: added.proof.clone(),
        };
        let target = Target {
            // Without a role, it sees no workspace.
            workspace: plan.workspace.as_ref().filter(|_| !self.no_role),
            roles: plan.roles.iter().map(|granted| &granted.role).collect(),
        };
        let proof = prove(place, candidate, &target, patience).await;
        if !adds || proof.is_err() {
            let taken = take_back(graph, application, added.key, patience).await;
            made.proof = Some(proof?);
            taken?;
        } else {
            made.proof = proof.ok();
            made.fresh = Some(added);
        }
        Ok(made)
    }

    /// Hands the secret over, and removes what earlier runs left.
    async fn hand_over(
        &self,
        plan: &Plan,
        made: &mut Made,
        handover: &Handover,
        place: &Place,
        output: &mut Output,
    ) -> Result<Option<Credential>, Failure> {
        let graph = &plan.reader.graph;
        let (key, ends_on, proof) = match made.fresh.take() {
            Some(fresh) => (Some(fresh.key), fresh.ends_on, Some(fresh.into_new())),
            // The ids may have a place too.
            None => {
                let is_federated = plan.kind == ProofKind::Federated;
                (None, None, is_federated.then_some(NewProof::Federated))
            }
        };
        let mut credential = None;
        let mut failed = None;
        if let Some(proof) = proof {
            let new = NewCredential {
                client_id: client_id(made.identity.application.app_id)?,
                tenant: TenantId::new(&plan.tenant)?,
                name: self.name.clone(),
                proof,
                expires_on: ends_on,
                workspace: plan.workspace.as_ref().map(|one| one.workspace.clone()),
            };
            match handover.deliver(&new, place, output).await {
                Ok(delivered) => {
                    credential = Some(Credential {
                        kind: plan.kind,
                        key,
                        ends_on,
                        delivered,
                    });
                }
                Err(error) => failed = Some(error),
            }
        }
        let spinner = output.spinner("Finishing");
        let patience = Patience {
            output,
            spinner: &spinner,
            limit: self.wait.unwrap_or(LIMIT),
        };
        let application = &mut made.identity.application;
        let work = async {
            match (&failed, key) {
                (Some(_), Some(key)) => take_back(graph, application, key, patience).await,
                _ => {
                    let end = End {
                        kept: key,
                        ..End::default()
                    };
                    settle(graph, application, &end, patience).await
                }
            }
        };
        let settled = spinner.during(work).await;
        match failed {
            Some(error) => Err(error),
            None => settled.map(|()| credential),
        }
    }
}

pub(super) fn client_id(id: Uuid) -> Result<ClientId, Failure> {
    Ok(ClientId::new(&id.to_string())?)
}

pub(super) fn span(time: Duration) -> String {
    time::span(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
