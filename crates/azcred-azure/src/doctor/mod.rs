//! The doctor: from the sign-in to what an identity may do in a workspace, as checks that explain
//! themselves.
//!
//! Requests that do not depend on one another run side by side; results are told in a fixed order,
//! each as soon as it and those before it are decided. What depends on a failed check is skipped
//! and says so, so that one cause is one failure.

mod report;
mod verdict;
mod visit;

pub use report::{Check, CheckId, Report, Status, Subject};

use crate::{
    access::Capability,
    error::{Error, ErrorKind, Result},
    locate::Located,
    permissions::Permissions,
    principal::Principal,
    resource_manager::{Answer, ResourceManager, Subscription, Workspace},
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::{
    Availability, ClientOptions, Credential, TenantId,
    http::{HttpRequest, Url},
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use visit::{Visit, bounded, milliseconds};

/// How long the whole may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(60);

/// What happens while the doctor works.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// This check is waited for next.
    Started {
        /// Which one.
        id: CheckId,
        /// Its title.
        title: &'static str,
    },
    /// It is decided.
    Finished(&'a Check),
}

/// Examines a sign-in and what it is good for.
#[derive(Debug)]
pub struct Doctor {
    options: ClientOptions,
    credential: azcred::Result<Arc<dyn Credential>>,
    workspace: Result<Located>,
    subscription: Option<String>,
    tenant: Option<TenantId>,
    required: Vec<Capability>,
    deadline: Duration,
}

impl Doctor {
    /// A doctor for `credential`, or for the reason why there is none, and for `workspace`, or the
    /// reason why none is meant ([`crate::locate`]). `options` are those that the credential was
    /// made with ([`ClientOptions::with_discovered_cloud`] first).
    pub fn new(
        options: ClientOptions,
        credential: azcred::Result<Arc<dyn Credential>>,
        workspace: Result<Located>,
    ) -> Self {
        Self {
            options,
            credential,
            workspace,
            subscription: None,
            tenant: None,
            required: vec![
                Capability::SubmitJobs,
                Capability::ReadData,
                Capability::WriteData,
            ],
            deadline: DEADLINE,
        }
    }

    /// Looks at this subscription where no workspace is meant.
    #[must_use]
    pub fn with_subscription(mut self, subscription: impl Into<String>) -> Self {
        self.subscription = Some(subscription.into());
        self
    }

    /// Checks that the token is of this tenant: what the variables or the command line ask for.
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// What must be allowed for the report to be healthy; the rest is told as a warning. Unless
    /// told otherwise: everything but managing computes, which who runs jobs does not need.
    #[must_use]
    pub fn requiring(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        self.required = capabilities.into_iter().collect();
        self
    }

    /// Bounds the whole; 60 seconds unless told otherwise. What is not decided by then has failed
    /// for lack of time.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs every check and tells of each. Never fails: what goes wrong is in the report.
    /// Cancel-safe; changes nothing in Azure.
    pub async fn run(&self, tell: impl FnMut(Event<'_>)) -> Report {
        let started = Instant::now();
        let mut visit = Visit {
            end: started + self.deadline,
            tell,
            checks: Vec::new(),
            principal: None,
        };
        self.examine(&mut visit).await;
        Report {
            healthy: visit
                .checks
                .iter()
                .all(|check| check.status != Status::Failed),
            principal: visit.principal,
            workspace: self.target().map(WorkspaceRef::resource_id),
            checks: visit.checks,
            milliseconds: milliseconds(started),
        }
    }

    fn target(&self) -> Option<&WorkspaceRef> {
        self.workspace
            .as_ref()
            .ok()
            .map(|located| &located.workspace)
    }

    async fn examine<T: FnMut(Event<'_>)>(&self, visit: &mut Visit<T>) {
        visit.start(CheckId::SignIn);
        let began = Instant::now();
        let signed_in = bounded(visit.end, "Signed in", self.sign_in()).await;
        let (manager, check) = match signed_in {
            Ok((manager, principal, check)) => {
                visit.principal = principal;
                (Some(manager), check)
            }
            Err(error) => (None, Check::failed(CheckId::SignIn, self.using(), &error)),
        };
        visit.finish(check, began);
        let Some(manager) = manager else {
            visit.skip_rest(CheckId::Tenant, "there was no sign-in");
            return;
        };

        // Everything from here on is under way at once, and told in order.
        let mut answers: FuturesOrdered<BoxFuture<'_, Found>> = FuturesOrdered::new();
        let (end, manager) = (visit.end, &manager);
        answers.push_back(Box::pin(async move {
            let began = Instant::now();
            Found::Tenant(
                bounded(end, "Looked at the tenant", self.expected_tenant(manager)).await,
                began,
            )
        }));
        answers.push_back(Box::pin(async move {
            let began = Instant::now();
            Found::Subscription(
                bounded(
                    end,
                    "Looked at the subscription",
                    self.see_subscriptions(manager),
                )
                .await,
                began,
            )
        }));
        if let Some(target) = self.target() {
            answers.push_back(Box::pin(async move {
                let began = Instant::now();
                Found::Workspace(
                    bounded(end, "Looked for the workspace", manager.workspace(target)).await,
                    began,
                )
            }));
            answers.push_back(Box::pin(async move {
                let began = Instant::now();
                let scope = target.resource_id();
                Found::Permissions(
                    bounded(end, "Asked what may be done", manager.permissions(&scope)).await,
                    began,
                )
            }));
        }
        self.judge(visit, answers).await;
    }

    /// Tells the checks, in order, as their answers come in.
    async fn judge<T: FnMut(Event<'_>)>(
        &self,
        visit: &mut Visit<T>,
        mut answers: FuturesOrdered<BoxFuture<'_, Found>>,
    ) {
        visit.start(CheckId::Tenant);
        let (mut subscription, mut workspace) = (None, None);
        while let Some(found) = answers.next().await {
            match found {
                Found::Tenant(expected, began) => {
                    let check =
                        verdict::tenant(visit.principal.as_ref(), self.tenant.as_ref(), expected);
                    visit.finish(check, began);
                    visit.start(CheckId::Clock);
                }
                Found::Subscription(answer, began) => {
                    let skew = match &answer {
                        Ok(answer) => answer.clock_skew,
                        Err(error) => error.clock_skew(),
                    };
                    visit.finish(verdict::clock(skew), began);
                    visit.start(CheckId::Subscription);
                    subscription = Some((answer, began));
                    if self.target().is_none() {
                        self.without_workspace(visit, subscription.take());
                    }
                }
                Found::Workspace(answer, began) => {
                    if let (Ok(located), Some((seen, since))) =
                        (&self.workspace, subscription.take())
                    {
                        let pair = verdict::subscription_and_workspace(
                            located,
                            visit.principal.as_ref(),
                            &seen,
                            &answer,
                        );
                        visit.finish(pair.0, since);
                        visit.start(CheckId::Workspace);
                        visit.finish(pair.1, began);
                    }
                    workspace = Some(answer.is_ok());
                }
                Found::Permissions(answer, began) => {
                    if workspace == Some(true) {
                        self.capabilities(visit, &answer, began);
                    } else {
                        visit.skip_rest(CheckId::SubmitJobs, "the workspace could not be seen");
                    }
                }
            }
        }
    }

    fn capabilities<T: FnMut(Event<'_>)>(
        &self,
        visit: &mut Visit<T>,
        answer: &Result<Answer<Permissions>>,
        began: Instant,
    ) {
        let Some(target) = self.target() else { return };
        for capability in Capability::ALL {
            visit.start(capability.into());
            let check = match answer {
                Ok(answer) => verdict::capability(
                    capability,
                    &answer.value,
                    self.required.contains(&capability),
                    visit.principal.as_ref(),
                    target,
                ),
                // One failure is enough for one cause.
                Err(error) if capability == Capability::ALL[0] => {
                    Check::failed(capability.into(), "", error)
                }
                Err(_) => Check::skipped(
                    capability.into(),
                    "what the identity may do could not be read",
                ),
            };
            visit.finish(check, began);
        }
    }

    fn without_workspace<T: FnMut(Event<'_>)>(
        &self,
        visit: &mut Visit<T>,
        seen: Option<(Result<Answer<Vec<Subscription>>>, Instant)>,
    ) {
        let (Err(unknown), Some((seen, began))) = (&self.workspace, seen) else {
            return;
        };
        visit.finish(verdict::subscriptions(&seen), began);
        visit.start(CheckId::Workspace);
        visit.finish(
            Check::failed(CheckId::Workspace, "", unknown),
            Instant::now(),
        );
        visit.skip_rest(CheckId::SubmitJobs, "no workspace is known");
    }

    fn using(&self) -> String {
        match &self.credential {
            Ok(credential) => match credential.prepare(&**self.options.system()) {
                Availability::Ready { using } => format!("{}: {using}", credential.name()),
                _ => credential.name().to_owned(),
            },
            Err(_) => String::new(),
        }
    }

    async fn sign_in(&self) -> Result<(ResourceManager, Option<Principal>, Check)> {
        let credential = self.credential.clone().map_err(Error::token)?;
        let manager = ResourceManager::new(&self.options, credential)?;
        let token = manager.token().await?;
        let using = self.using();
        let principal = Principal::from_token(&token);
        let check = match &principal {
            Ok(principal) => {
                let who = principal.describe();
                // The application is named once.
                let by = principal
                    .application_id
                    .as_ref()
                    .filter(|id| who.contains(id.as_str()))
                    .and_then(|id| using.strip_suffix(&format!(" of the application {id}")))
                    .unwrap_or(&using);
                Check::new(CheckId::SignIn, Status::Ok, format!("{who}, by {by}"))
            }
            Err(error) => Check::new(CheckId::SignIn, Status::Warning, format!("by {using}"))
                .because(
                    format!("who that is can't be said: {}", error.why()),
                    "nothing needs fixing where the identity provider is not Microsoft's",
                ),
        };
        Ok((manager, principal.ok(), check))
    }

    /// The GUID of the tenant that was asked for; a domain's is looked up where every client looks
    /// it up (OpenID Connect Discovery 1.0 section 4: the issuer holds it).
    async fn expected_tenant(&self, manager: &ResourceManager) -> Result<Option<String>> {
        let Some(tenant) = self.tenant.as_ref().filter(|tenant| !tenant.is_shared()) else {
            return Ok(None);
        };
        if crate::text::is_guid(tenant.as_str()) {
            return Ok(Some(tenant.as_str().to_ascii_lowercase()));
        }
        let what = format!("Looked up the tenant {tenant}");
        let unknown = || {
            Error::new(
                ErrorKind::Unexpected,
                what.clone(),
                "the identity provider does not say which tenant that is",
            )
            .with_fix("name the tenant by its GUID: `az account show --query tenantId`")
        };
        let url = Url::parse(&format!(
            "{}/{tenant}/v2.0/.well-known/openid-configuration",
            manager.cloud().authority()
        ))
        .map_err(|_| unknown())?;
        let response = self
            .options
            .http()
            .send(&what, &HttpRequest::get(url), self.options.deadline())
            .await
            .map_err(|error| Error::transport(&error))?;
        let document: serde_json::Value =
            serde_json::from_slice(&response.body).map_err(|_| unknown())?;
        let issuer = document
            .get("issuer")
            .and_then(serde_json::Value::as_str)
            .ok_or_else(unknown)?;
        let guid = issuer
            .split('/')
            .find(|part| crate::text::is_guid(part))
            .ok_or_else(unknown)?;
        Ok(Some(guid.to_ascii_lowercase()))
    }

    async fn see_subscriptions(
        &self,
        manager: &ResourceManager,
    ) -> Result<Answer<Vec<Subscription>>> {
        let wanted = self
            .target()
            .map(WorkspaceRef::subscription)
            .or(self.subscription.as_deref());
        let Some(wanted) = wanted else {
            return manager.subscriptions().await;
        };
        let answer = manager.subscription(&subscription_id(wanted)?).await?;
        Ok(Answer {
            value: vec![answer.value],
            clock_skew: answer.clock_skew,
            correlation_id: answer.correlation_id,
        })
    }
}

/// An answer, and when it was asked for.
enum Found {
    Tenant(Result<Option<String>>, Instant),
    Subscription(Result<Answer<Vec<Subscription>>>, Instant),
    Workspace(Result<Answer<Workspace>>, Instant),
    Permissions(Result<Answer<Permissions>>, Instant),
}
