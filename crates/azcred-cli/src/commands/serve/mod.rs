//! `azcred serve`: a managed-identity endpoint for several programs, until Ctrl-C.

mod banner;
mod env;
mod running;
mod usage;

use super::{
    allowed::{self, Allowed},
    audit::Record,
    first_token::FirstToken,
    limits,
};
use crate::{
    candidates,
    choice::Choice,
    failure::{Failure, Kind},
    given,
    output::{
        Output, door,
        style::{DIM, paint},
        time,
    },
    sign_in::Place,
};
use ::time::OffsetDateTime;
use azcred::{
    Cloud, Principal, PrincipalKind, Scope, TenantId, printable_path,
    system::{System, Unattended, unattended},
};
use azcred_endpoint::{Allow, Endpoint, Options, Tls};
use clap::{Args, Subcommand, ValueHint};
use clap_complete::ArgValueCandidates;
use running::Listens;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// Give tokens of this account to other programs on this computer
///
/// Runs until Ctrl-C. Programs with the variables of `azcred serve env` get their tokens here:
/// every Azure SDK finds them, as inside an Azure app with a managed identity. Tokens are renewed
/// ahead of time. Each token and each rejected request is a line on standard error.
///
/// For one program, `azcred exec -- PROGRAM` is simpler.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  azcred serve
  eval \"$(azcred serve env)\"                    # in another terminal

  azcred serve --for 2h --allow https://storage.azure.com
  azcred serve --listen 172.17.0.1:8400 --allow https://ml.azure.com"
)]
pub(crate) struct ServeArguments {
    #[command(subcommand)]
    command: Option<ServeCommand>,

    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum ServeCommand {
    Env(env::Env),
}

#[derive(Args)]
struct Serve {
    /// Return tokens for these resources only. Separate several by commas, or repeat the option;
    /// `all` is every resource [default: Azure Resource Manager, Azure ML, Storage, Key Vault]
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', value_parser = allowed::allowed)]
    allow: Vec<Allowed>,

    /// End after this time, such as 30m or 2h [default: with Ctrl-C; in a CI job after 6h]
    #[arg(long = "for", value_name = "TIME", value_parser = given::duration)]
    lasts: Option<Duration>,

    /// Listen on this port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = given::number(1..=65535_u16))]
    port: Option<u16>,

    /// Listen on another address of this computer, such as 172.17.0.1:8400 of Docker's bridge.
    /// Every program that reaches it and has the secret gets tokens
    #[arg(long, value_name = "ADDRESS", conflicts_with = "port", value_parser = address)]
    listen: Option<SocketAddr>,

    /// Listen on a Unix socket instead, which only your programs can open. SDKs need a program that
    /// forwards a port to it
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["port", "listen", "tls_cert"], value_parser = given::path())]
    unix: Option<PathBuf>,

    /// Speak HTTPS with this certificate and its chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", value_parser = given::path())]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_parser = given::path())]
    tls_key: Option<PathBuf>,

    /// Write this host of the certificate into IDENTITY_ENDPOINT [default: the address, or
    /// localhost, if the certificate is for it]
    #[arg(long, value_name = "HOST", requires = "tls_cert", value_parser = given::text)]
    name: Option<String>,

    /// Also append the lines about tokens and rejected requests to this file
    #[arg(long, value_name = "FILE", value_parser = given::path(), value_hint = ValueHint::FilePath)]
    audit: Option<PathBuf>,

    /// Also set MSI_ENDPOINT and MSI_SECRET, for programs that know only the managed identities of
    /// Azure ML's computes
    #[arg(long)]
    msi: bool,

    /// Request tokens in this tenant (id or domain) [default: the account's own tenant]
    #[arg(long, value_name = "TENANT", value_parser = TenantId::new, add = ArgValueCandidates::new(candidates::tenants))]
    tenant: Option<TenantId>,

    #[command(flatten)]
    choice: Choice,
}

/// The largest PEM file.
const LARGEST_FILE: u64 = 1 << 20;
/// GitHub ends a job after 6 hours ('Actions limits').
const LONGEST_JOB: Duration = Duration::from_secs(6 * 3600);

/// The output of `--output json` when the endpoint is ready. The secret is in `serve env`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServeDocument {
    /// The process id.
    pid: u32,
    /// The address, such as `127.0.0.1:8400`; `null` on a Unix socket.
    address: Option<String>,
    /// The port; `null` on a Unix socket.
    port: Option<u16>,
    /// The account, in a few words.
    account: String,
    /// The resources; `null` for every resource.
    resources: Option<Vec<String>>,
    /// When the endpoint ends: RFC 3339, UTC; `null` if it has no end.
    ends_on: Option<String>,
}

impl ServeArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            Some(ServeCommand::Env(command)) => command.run(output),
            None => self.serve.run(output).await,
        }
    }
}

impl Serve {
    async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let is_ci = matches!(unattended(&*place.system), Some(Unattended::CiJob(_)));
        let lasts = self.lasts.or(is_ci.then_some(LONGEST_JOB));
        let (first, tenant) = (allowed::first(&self.allow), self.tenant.clone());
        let first = FirstToken::open(&place, &self.choice, first, tenant, output).await?;
        // Everything that can be refused is checked before a person signs in.
        let allowed = self.allowed(&first.cloud()?);
        let allow = allowed.clone().map_or_else(Allow::everything, Allow::only);
        let mut record = Record::default().shown();
        if let Some(path) = &self.audit {
            record = record.in_file(path)?;
        }
        let mut options =
            self.listening(&place, Options::new(allow).with_audit(Arc::new(record)))?;
        if let Some(time) = lasts {
            options = options.lasting(time);
        }
        if self.msi {
            options = options.with_azure_ml();
        }
        limits::raise_files();
        let port = self.port.or_else(|| Some(self.listen?.port()));
        let endpoint = Endpoint::bind(options).await;
        let endpoint = endpoint.map_err(|error| not_bound(error, port, &place))?;
        let reserved = running::reserve(&place.system)?;
        let (session, token) = first.request(output).await?;
        self.check_reach(token.principal())?;
        let mut endpoint = endpoint.serve(Arc::new(session));
        let variables = endpoint.variables();
        let secrets = variables.iter().map(|(_, value)| value.expose_secret());
        mask(&*place.system, secrets);
        let port = endpoint.address().map(|address| address.port());
        let listens = Listens {
            port,
            socket: self.socket(),
            is_reachable: self.is_reachable(),
        };
        let _registered = reserved.register(listens, &variables)?;
        let account = token
            .principal()
            .map_or_else(|| "this account".to_owned(), Principal::describe);
        let document = ServeDocument {
            pid: std::process::id(),
            address: endpoint.address().map(|address| address.to_string()),
            port,
            account,
            resources: allowed.as_ref().map(|allowed| {
                let resources = allowed.iter().map(|scope| scope.resource().to_owned());
                resources.collect()
            }),
            ends_on: lasts.and_then(|time| time::rfc3339(OffsetDateTime::now_utc() + time)),
        };
        match output.is_json() {
            true => output.json(&document),
            false => self.ready(&document, allowed.as_deref(), lasts, output),
        }
        if self.is_reachable() {
            output.caution(&self.meaning(&document));
        }
        output.finish()?;
        endpoint.ended().await;
        output.note(paint(DIM, "The time is over."));
        Ok(0)
    }

    /// The resources; `None` for every resource.
    fn allowed(&self, cloud: &Cloud) -> Option<Vec<Scope>> {
        if self.allow.is_empty() {
            return Some(usual(cloud));
        }
        allowed::scopes(&self.allow)
    }

    /// The options with the place to listen.
    fn listening(&self, place: &Place, mut options: Options) -> Result<Options, Failure> {
        options = options.with_port(self.port.unwrap_or(0));
        if let Some(address) = self.listen {
            options = options.with_address(address);
        }
        #[cfg(unix)]
        if let Some(path) = &self.unix {
            options = options.with_unix_socket(path);
        }
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let read = |path: &PathBuf| {
                place.system.read(path, LARGEST_FILE).map_err(|error| {
                    let why = format!("{} can't be read: {error}", printable_path(path));
                    Failure::new(Kind::Failed, "could not use the certificate", why)
                        .fix("give PEM files that you can read with --tls-cert and --tls-key")
                })
            };
            options = options.with_tls(Tls::from_pem(&read(certificate)?, &read(key)?)?);
        }
        if let Some(name) = &self.name {
            options = options.with_name(name);
        }
        Ok(options)
    }

    /// The whole path of the Unix socket.
    fn socket(&self) -> Option<PathBuf> {
        #[cfg(unix)]
        return self
            .unix
            .as_ref()
            .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
        #[cfg(not(unix))]
        None
    }

    /// Whether programs outside this computer, or in containers, may reach the endpoint.
    fn is_reachable(&self) -> bool {
        self.listen
            .is_some_and(|address| !address.ip().is_loopback())
    }

    /// Fails if a person's tokens would be within others' reach, and the person has not said which.
    fn check_reach(&self, principal: Option<&Principal>) -> Result<(), Failure> {
        let is_person = principal.is_none_or(|one| one.kind == PrincipalKind::User);
        if !(self.is_reachable() && is_person && self.allow.is_empty()) {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Usage,
            "could not serve tokens on this address",
            "others may reach it, the account is a person, and --allow does not say for which resources",
        )
        .fix("name the resources that the programs need, such as `--allow https://ml.azure.com`"))
    }

    /// What it means that others may reach the endpoint.
    fn meaning(&self, document: &ServeDocument) -> String {
        let address = document.address.as_deref().unwrap_or_default();
        let open = match self.tls_cert {
            Some(_) => "",
            None => {
                " The secret and the tokens are not encrypted on their way: outside this computer, use --tls-cert and --tls-key."
            }
        };
        format!(
            "Every program that reaches {address} and has the secret gets tokens of {}. azcred can't see whose program it is.{open}",
            document.account
        )
    }
}

/// The resources that programs of Azure Machine Learning need, in this cloud.
fn usual(cloud: &Cloud) -> Vec<Scope> {
    let storage = Scope::STORAGE;
    let resources = [
        cloud.resource_manager_audience(),
        cloud.machine_learning(),
        storage.resource(),
        cloud.key_vault(),
        cloud.older_resource_manager_audience(),
    ];
    let scopes = resources.map(Scope::from_resource);
    scopes.into_iter().filter_map(Result::ok).collect()
}

/// An address of `--listen`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        let example = SocketAddr::from((ip, 8400));
        return Err(format!("the port is missing, as in {example}"));
    }
    let (host, port) = text.split_once(':').unwrap_or((text, "8400"));
    let is_name = host.starts_with(|c: char| c.is_ascii_alphabetic());
    match is_name && port.parse::<u16>().is_ok() {
        true => Err(format!(
            "'{host}' is a name; give its address, such as 127.0.0.1:{port}"
        )),
        false => Err("it is an address and a port, such as 172.17.0.1:8400".to_owned()),
    }
}

/// Why a port can't be opened, if another endpoint of this user has it.
fn not_bound(error: azcred::Error, port: Option<u16>, place: &Place) -> Failure {
    let running = running::list(&place.system).unwrap_or_default();
    let own = running
        .into_iter()
        .find(|one| port.is_some() && one.port == port);
    match (own, port) {
        (Some(own), Some(port)) => Failure::new(
            Kind::Usage,
            "could not start the endpoint",
            format!(
                "an `azcred serve` of yours has the port {port} (process {})",
                own.process
            ),
        )
        .fix(format!(
            "use it with `azcred serve env --port {port}`, or choose another port"
        )),
        _ => error.into(),
    }
}

/// Makes GitHub hide these values in a job's log ('Workflow commands', 'Masking a value'). The
/// runner reads standard error too, which no shell evaluates.
fn mask(system: &dyn System, values: impl IntoIterator<Item = impl AsRef<str>>) {
    if system.var("GITHUB_ACTIONS").as_deref() != Some("true") {
        return;
    }
    for value in values {
        // An address is no secret, and hiding it hides other lines.
        if !value.as_ref().starts_with("http") {
            let _ = door::stderr().line(format_args!("::add-mask::{}", value.as_ref()));
        }
    }
}
