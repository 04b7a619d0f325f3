//! `--route`: names of Azure that lead to servers of the user's.

use crate::{
    failure::{Failure, Kind},
    given,
};
use azcred::{Fix, printable_path};
use azcred_emulator::{Info, InvalidRoute, Route, Routed, Way};
use clap::Args;
use std::{io, path::PathBuf};
use url::Url;

#[derive(Args)]
pub(super) struct Routes {
    /// Send a name of Azure that the emulator does not serve to a server of yours, such as Azurite.
    /// Can be given several times; `*.` at the beginning of HOST is all names below
    #[arg(long = "route", value_name = "HOST=URL", value_parser = route)]
    routes: Vec<Route>,

    /// Certificates in PEM that the HTTPS servers of --route may have, besides those that this
    /// computer trusts: their authorities, or their own
    #[arg(long = "route-ca", value_name = "FILE", requires = "routes", value_parser = given::path())]
    authorities: Option<PathBuf>,
}

fn route(text: &str) -> Result<Route, String> {
    let text = given::text(text)?;
    text.parse()
        .map_err(|error: InvalidRoute| error.to_string())
}

impl Routes {
    /// Fails if the options make no sense together. `reaches_names`: whether the program reaches
    /// Azure's names.
    pub(super) fn check(&self, way: Way, is_isolated: bool) -> Result<(), Failure> {
        Route::check(&self.routes)
            .map_err(|error| wrong(error.to_string()).fix("give one --route for each host"))?;
        if !self.routes.is_empty() && way == Way::Ports && !is_isolated {
            return Err(wrong(
                "with `--by ports` the program reaches no name of Azure through the emulator",
            )
            .fix("leave out `--by ports`, or add --isolate"));
        }
        Ok(())
    }

    /// The hosts of the routes.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(Route::host)
    }

    /// Opens a proxy with these routes until the value is dropped, and names it in what the
    /// emulator says of itself. Nothing without a route.
    pub(super) fn open(&self, info: &mut Info) -> Result<Option<Routed>, Failure> {
        if self.routes.is_empty() {
            return Ok(None);
        }
        let authorities = self.authorities.as_ref().map(|file| {
            std::fs::read_to_string(file).map_err(|error| {
                wrong(format!(
                    "the file {} can't be read: {error}",
                    printable_path(file)
                ))
                .fix("give a file with certificates in PEM as --route-ca")
            })
        });
        let authorities = authorities.transpose()?;
        let routed = info
            .open_routes(&self.routes, authorities.as_deref())
            .map_err(|error| not_opened(&error))?;
        let port = Url::parse(&routed.proxy_url)
            .ok()
            .and_then(|url| url.port());
        info.ports.extend(port);
        info.proxy_url.clone_from(&routed.proxy_url);
        Ok(Some(routed))
    }
}

fn wrong(why: impl Into<String>) -> Failure {
    let what = "could not use the routes";
    Failure::new(Kind::Usage, what, why.into()).titled("a route can't be used")
}

fn not_opened(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput => wrong(error.to_string()).fix(
            "give a file with certificates in PEM as --route-ca: each begins with `-----BEGIN CERTIFICATE-----`",
        ),
        io::ErrorKind::Unsupported => {
            wrong("the running emulator was started by an earlier version of azcred")
                .fix("stop it with `azcred emulator stop`, and run this again")
        }
        _ => Failure::new(
            Kind::Failed,
            "could not use the routes",
            format!("the running emulator did not open a proxy for them: {error}"),
        )
        .fix(Fix::from("start the emulator again: `azcred emulator stop`, then `azcred emulator start`")),
    }
}
