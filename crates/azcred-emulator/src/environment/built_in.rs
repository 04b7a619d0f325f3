//! Addresses of hosts of managed identities that programs have built in.

use super::{Isolated, Persona};
use crate::info::Info;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use url::Url;

/// An address that programs have built in, and the port of the emulator that serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// The address on a real machine.
    pub address: SocketAddr,
    /// The emulator's port on loopback.
    pub port: u16,
}

/// The metadata service of a virtual machine ('Azure Instance Metadata Service').
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Info {
    /// The addresses that a program of this persona can have built in, and that only exist where it
    /// has a network of its own.
    ///
    /// The metadata service is always there: without an identity it says so.
    pub fn built_in(&self, persona: Persona, isolated: &Isolated) -> Vec<BuiltIn> {
        let metadata = isolated.set.get("HTTP_PROXY").map(String::as_str);
        let of_persona = self
            .identity_hosts
            .as_ref()
            .and_then(|hosts| match persona {
                // 'Authenticate against Azure resources with Azure Arc-enabled servers'.
                Persona::Arc => Some((40342, hosts.arc_url.as_str())),
                // `ShellFolder` of Cloud Shell's image; azure-cli's `MSI_ENDPOINT`.
                Persona::CloudShell => Some((50342, hosts.cloud_shell_endpoint.as_str())),
                // Recorded on a compute instance.
                Persona::AzureMlCompute => Some((46808, hosts.ml_compute_endpoint.as_str())),
                _ => None,
            });
        let metadata = metadata.map(|url| (SocketAddr::new(METADATA, 80), url));
        let of_persona = of_persona.map(|(port, url)| (SocketAddr::new(LOOPBACK, port), url));
        let all = metadata.into_iter().chain(of_persona);
        all.filter_map(|(address, url)| {
            let port = Url::parse(url).ok()?.port()?;
            Some(BuiltIn { address, port })
        })
        .collect()
    }
}
