//! Changes of resources that take Azure a while.
//!
//! The rules are those of 'Asynchronous operations' in the Resource Manager provider contract: a
//! response names where the state of the operation (`Azure-AsyncOperation`) or its result
//! (`Location`) can be read, or the resource itself has a state.

use crate::{
    authorization::Patience,
    error::{Error, ErrorKind, Result},
    refusal::correlation_id,
    resource_manager::ResourceManager,
    service::{Call, Response, Verb, json},
    text::clean,
};
use azcred::http::HttpResponse;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

/// Where the end of an operation shows.
#[derive(Debug, PartialEq, Eq)]
enum Watch {
    /// It is here.
    Done,
    /// An address has the state.
    State(String),
    /// An address has the result, once its status is not 202.
    Result(String),
    /// The resource has the state.
    Resource,
}

/// What a state says.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Running,
    Succeeded,
    Failed,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    status: Option<String>,
    properties: Option<Properties>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    provisioning_state: Option<String>,
}

impl State {
    fn of(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" | "canceled" | "cancelled" => Self::Failed,
            // Providers have their own words for what goes on.
            _ => Self::Running,
        }
    }

    /// The resource's own state. A resource without one is ready.
    fn of_resource(response: &HttpResponse) -> Self {
        let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
        let state = body.properties.and_then(|one| one.provisioning_state);
        state.map_or(Self::Succeeded, |state| Self::of(&state))
    }
}

impl Watch {
    /// Where the end shows of an operation that this response began.
    fn of(response: &HttpResponse, makes_resource: bool) -> Self {
        let link = |name| response.header(name).map(str::to_owned);
        if let Some(link) = link("azure-asyncoperation") {
            return Self::State(link);
        }
        match (response.status, link("location")) {
            (201 | 202, Some(link)) => Self::Result(link),
            _ if makes_resource && State::of_resource(response) != State::Succeeded => {
                Self::Resource
            }
            _ => Self::Done,
        }
    }
}

/// A change that is carried out.
struct Operation<'a> {
    manager: &'a ResourceManager,
    call: Call<'a>,
    patience: Patience,
    end: Instant,
}

impl ResourceManager {
    /// Makes or replaces a resource, and waits until it is ready. `what` is the error's first line;
    /// `waiting` is called before each pause.
    ///
    /// Dropping the future ends the waiting. Azure goes on.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::Unreachable`] if the operation takes longer than `patience`
    /// says.
    pub async fn put<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
        body: &impl Serialize,
        patience: Patience,
        waiting: impl FnMut(),
    ) -> Result<Response<T>> {
        let verb = Verb::Put(json(body));
        self.change(what, path, api_version, verb, patience, waiting)
            .await
    }

    /// Changes properties of a resource, as [`Self::put`].
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
        body: &impl Serialize,
        patience: Patience,
        waiting: impl FnMut(),
    ) -> Result<Response<T>> {
        let verb = Verb::Patch(json(body));
        self.change(what, path, api_version, verb, patience, waiting)
            .await
    }

    async fn change<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
        verb: Verb,
        patience: Patience,
        waiting: impl FnMut(),
    ) -> Result<Response<T>> {
        let query = [("api-version", api_version)];
        let operation = Operation::new(self, what, path, &query, verb, patience);
        let first = operation.begin().await?;
        let response = operation.finish(first, waiting).await?;
        self.0.parse(what, &response)
    }

    /// Deletes a resource, and waits until it is gone. Returns whether it was there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn remove(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
        patience: Patience,
        waiting: impl FnMut(),
    ) -> Result<bool> {
        let query = [("api-version", api_version)];
        let operation = Operation::new(self, what, path, &query, Verb::Delete, patience);
        let first = operation.begin().await?;
        let was_there = first.status != 204;
        operation.finish(first, waiting).await?;
        Ok(was_there)
    }
}

impl<'a> Operation<'a> {
    fn new(
        manager: &'a ResourceManager,
        what: &'a str,
        path: &'a str,
        query: &'a [(&'a str, &'a str)],
        verb: Verb,
        patience: Patience,
    ) -> Self {
        Self {
            manager,
            call: Call {
                what,
                path,
                query,
                verb,
            },
            patience,
            end: Instant::now() + patience.limit,
        }
    }

    async fn begin(&self) -> Result<HttpResponse> {
        self.manager.0.respond(&self.call).await
    }

    /// Waits for the end. Returns the response with the resource, or the last one.
    async fn finish(&self, first: HttpResponse, mut waiting: impl FnMut()) -> Result<HttpResponse> {
        let makes_resource = matches!(self.call.verb, Verb::Put(_) | Verb::Patch(_));
        let mut watch = Watch::of(&first, makes_resource);
        let mut last = first;
        loop {
            let read = match &watch {
                Watch::Done => return Ok(last),
                Watch::State(link) | Watch::Result(link) => Some(link.clone()),
                Watch::Resource => None,
            };
            self.pause(&last, &mut waiting).await?;
            last = match &read {
                Some(link) => self.follow(link).await?,
                None => self.resource().await?,
            };
            let state = match &watch {
                Watch::Done => State::Succeeded,
                Watch::State(_) => {
                    let body: Body = serde_json::from_slice(&last.body).unwrap_or_default();
                    State::of(body.status.as_deref().unwrap_or_default())
                }
                Watch::Result(_) if last.status == 202 => State::Running,
                Watch::Result(_) => State::Succeeded,
                Watch::Resource => State::of_resource(&last),
            };
            match state {
                State::Running => {
                    if let Some(link) = last.header("azure-asyncoperation") {
                        watch = Watch::State(link.to_owned());
                    } else if let (202, Some(link)) = (last.status, last.header("location")) {
                        watch = Watch::Result(link.to_owned());
                    }
                }
                State::Succeeded if makes_resource && watch != Watch::Resource => {
                    return self.resource().await;
                }
                State::Succeeded => return Ok(last),
                State::Failed => return Err(self.failed(&last).await),
            }
        }
    }

    /// The error of an operation that failed, from its state or from the resource's.
    async fn failed(&self, last: &HttpResponse) -> Error {
        let body: Body = serde_json::from_slice(&last.body).unwrap_or_default();
        let of_resource = body.properties.and_then(|one| one.provisioning_state);
        match (body.error.is_some(), body.status.or(of_resource)) {
            (false, Some(state)) => Error::new(
                ErrorKind::Unexpected,
                self.call.what.to_owned(),
                format!(
                    "Azure began it, and ended with the state '{}'",
                    clean(&state, 40)
                ),
            )
            .with_fix("look into the activity log of the resource group, which has the reason")
            .with_answer(last.status, correlation_id(last), last.clock_skew),
            _ => self.manager.0.rejected(&self.call, last).await,
        }
    }

    /// Waits as long as Azure says, or else as `patience` does.
    async fn pause(&self, last: &HttpResponse, waiting: &mut impl FnMut()) -> Result<()> {
        let pause = last.retry_after(self.manager.0.now());
        let pause = pause.unwrap_or(self.patience.pause);
        if Instant::now() + pause >= self.end {
            return Err(Error::new(
                ErrorKind::Unreachable,
                self.call.what.to_owned(),
                format!(
                    "Azure has not finished after {} s, and goes on",
                    self.patience.limit.as_secs()
                ),
            )
            .with_fix("wait, and look whether it is finished before you repeat it")
            .with_answer(last.status, correlation_id(last), last.clock_skew));
        }
        waiting();
        sleep(pause).await;
        Ok(())
    }

    async fn follow(&self, link: &str) -> Result<HttpResponse> {
        let call = Call {
            verb: Verb::Get,
            ..self.call.clone()
        };
        let link = self.manager.0.linked(&self.call, link)?;
        self.manager.0.respond_at(&call, link).await
    }

    async fn resource(&self) -> Result<HttpResponse> {
        let call = Call {
            verb: Verb::Get,
            ..self.call.clone()
        };
        self.manager.0.respond(&call).await
    }
}
