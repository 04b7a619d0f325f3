//! How programs use an endpoint that runs: in this shell, in containers and in pods.

use super::running::Running;
use crate::shell::{Shell, comments, word};
use serde::Serialize;
use std::path::Path;

/// The port in a container, or of this computer, that is forwarded to a Unix socket.
const FORWARDED: u16 = 8400;

/// Lines to type, and parts of files. They name variables, and have no value of a secret.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    /// The way back.
    undo: String,
    /// A program in a container.
    docker: String,
    /// A service of a Compose file.
    compose: String,
    /// A pod, and the command that makes its secret.
    pod: String,
    /// How programs trust the certificate: with HTTPS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<String>,
    /// A request without an SDK, and the port for SDKs: on a Unix socket only.
    #[serde(skip_serializing_if = "Option::is_none")]
    curl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    socat: Option<String>,
}

impl Usage {
    /// The usage of this endpoint by programs of the user with this id, if there are ids here.
    pub(super) fn of(endpoint: &Running, user: Option<u32>, shell: Shell) -> Self {
        let undo = shell.set_by("azcred serve env --undo");
        let names: Vec<&str> = endpoint.variables.keys().map(String::as_str).collect();
        let way = match &endpoint.socket {
            Some(path) => return Self::by_socket(path, user, shell, undo),
            None if endpoint.is_reachable => Way::default(),
            None => Way::host(user),
        };
        let set: String = names.iter().map(|name| format!(" -e {name}")).collect();
        Self {
            undo,
            docker: format!("docker run{}{set} IMAGE", way.docker),
            compose: format!(
                "services:\n  program:\n    image: IMAGE\n{}    environment: [{}]",
                way.compose,
                names.join(", ")
            ),
            pod: format!(
                "{SECRET}\nspec:\n{}  containers:\n    - name: program\n      image: IMAGE\n      {FROM}",
                way.pod
            ),
            trust: endpoint.is_https().then(|| TRUST.to_owned()),
            curl: None,
            socat: None,
        }
    }

    fn by_socket(path: &Path, user: Option<u32>, shell: Shell, undo: String) -> Self {
        let shown = path.display().to_string();
        let (mount, host) = (word(&format!("{shown}:/azcred.sock")), quoted(&shown));
        let way = Way::host(user);
        let user = user.map_or(String::new(), |id| format!(" --user {id}"));
        let address = format!("IDENTITY_ENDPOINT=http://127.0.0.1:{FORWARDED}/msi/token");
        let program = format!("{} & exec PROGRAM", forward("/azcred.sock"));
        let lines: Vec<&str> = way.compose.lines().skip(1).collect();
        let compose_user: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let lines: Vec<&str> = way.pod.lines().skip(1).collect();
        let pod_user: String = lines.iter().map(|line| format!("{line}\n")).collect();
        Self {
            undo,
            docker: format!(
                "docker run{user} -v {mount} -e IDENTITY_HEADER -e {address} IMAGE sh -c '{program}'"
            ),
            compose: format!(
                "services:\n  program:\n    image: IMAGE\n{compose_user}    volumes: [{}]\n    \
                 environment: [IDENTITY_HEADER, \"{address}\"]\n    command: [sh, -c, \"{program}\"]",
                quoted(&format!("{shown}:/azcred.sock"))
            ),
            pod: format!(
                "{SECRET}\nspec:\n{pod_user}  volumes: [{{ name: azcred, hostPath: {{ path: {host}, type: Socket }} }}]\n  \
                 containers:\n    - name: program\n      image: IMAGE\n      {FROM}\n      \
                 env: [{{ name: IDENTITY_ENDPOINT, value: \"http://127.0.0.1:{FORWARDED}/msi/token\" }}]\n      \
                 command: [sh, -c, \"{program}\"]\n      \
                 volumeMounts: [{{ name: azcred, mountPath: /azcred.sock }}]"
            ),
            trust: None,
            curl: Some(curl(path, shell)),
            socat: Some(socat(path)),
        }
    }

    /// All of it as comments of a shell.
    pub(super) fn comments(&self) -> String {
        let mut parts = Vec::new();
        if let (Some(curl), Some(socat)) = (&self.curl, &self.socat) {
            let sdks = format!(
                "Azure SDKs can't open a socket. curl can:\n  {curl}\nFor SDKs, forward a port to it, \
                 and set IDENTITY_ENDPOINT=http://127.0.0.1:{FORWARDED}/msi/token:\n  {socat}"
            );
            parts.push(sdks);
        }
        if let Some(trust) = &self.trust {
            parts.push(trust.clone());
        }
        for (what, text) in [
            ("The way back:", &self.undo),
            ("In a container:", &self.docker),
            ("In a Compose file:", &self.compose),
            ("In a pod on this computer, with a secret:", &self.pod),
        ] {
            parts.push(format!("{what}\n  {}", text.replace('\n', "\n  ")));
        }
        comments(&parts.join("\n"))
    }
}

/// The options with which a container reaches the endpoint.
#[derive(Default)]
struct Way {
    docker: String,
    compose: String,
    pod: String,
}

impl Way {
    /// The computer's own network, as this user: a program of another one gets no token.
    fn host(user: Option<u32>) -> Self {
        let text = |make: &dyn Fn(u32) -> String| user.map_or(String::new(), make);
        Self {
            docker: format!(" --network host{}", text(&|id| format!(" --user {id}"))),
            compose: format!(
                "    network_mode: host\n{}",
                text(&|id| format!("    user: \"{id}\"\n"))
            ),
            pod: format!(
                "  hostNetwork: true\n{}",
                text(&|id| format!("  securityContext: {{ runAsUser: {id} }}\n"))
            ),
        }
    }
}

/// The first two variables replace the roots of a program, which needs Azure's too.
const TRUST: &str = "\
Programs must trust the certificate, or the authority that issued it:
  NODE_EXTRA_CA_CERTS=FILE                         Node; FILE has this certificate
  REQUESTS_CA_BUNDLE=FILE and SSL_CERT_FILE=FILE   Python, Go; FILE has the usual roots too";

/// kubectl reads the secret from standard input: other users see the arguments of a command.
const SECRET: &str = "# env | grep -E '^(IDENTITY|MSI)_' | kubectl create secret generic azcred --from-env-file=/dev/stdin";
const FROM: &str = "envFrom: [{ secretRef: { name: azcred } }]";

/// The command that gives SDKs a port.
pub(super) fn socat(path: &Path) -> String {
    forward(&path.display().to_string())
}

fn forward(path: &str) -> String {
    let target = word(&format!("UNIX-CONNECT:{path}"));
    format!("socat TCP-LISTEN:{FORWARDED},bind=127.0.0.1,fork {target}")
}

/// A request without an SDK.
pub(super) fn curl(path: &Path, shell: Shell) -> String {
    let path = word(&path.display().to_string());
    let (secret, address) = (
        shell.value_of("IDENTITY_HEADER"),
        shell.value_of("IDENTITY_ENDPOINT"),
    );
    format!(
        "curl --unix-socket {path} -H \"X-IDENTITY-HEADER: {secret}\" \
         \"{address}?api-version=2019-08-01&resource=https://ml.azure.com\""
    )
}

/// A string of YAML: JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(socket: Option<&str>, is_reachable: bool) -> Running {
        let variables = [
            ("IDENTITY_ENDPOINT", "http://a"),
            ("IDENTITY_HEADER", "s3cret"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Running {
            process: 1,
            port: socket.is_none().then_some(1),
            socket: socket.map(Into::into),
            is_reachable,
            variables: variables.into(),
        }
    }

    #[test]
    fn a_container_reaches_the_endpoint_in_the_way_that_it_listens() {
        let of = |endpoint| Usage::of(&endpoint, Some(1000), Shell::Sh);
        let loopback = of(endpoint(None, false));
        assert_eq!(
            loopback.docker,
            "docker run --network host --user 1000 -e IDENTITY_ENDPOINT -e IDENTITY_HEADER IMAGE"
        );
        assert!(loopback.compose.contains("network_mode: host"));
        assert!(loopback.pod.contains("hostNetwork: true"));
        let bridge = of(endpoint(None, true));
        assert_eq!(
            bridge.docker,
            "docker run -e IDENTITY_ENDPOINT -e IDENTITY_HEADER IMAGE"
        );
        assert!(!bridge.compose.contains("host") && !bridge.pod.contains("hostNetwork"));
        let socket = of(endpoint(Some("/a b/s"), false));
        assert!(
            socket.docker.contains(" -v '/a b/s:/azcred.sock' "),
            "{}",
            socket.docker
        );
        assert!(!socket.docker.contains("--network"), "{}", socket.docker);
        assert!(socket.compose.contains("[\"/a b/s:/azcred.sock\"]"));
        assert!(!socket.compose.contains("network_mode"));
        assert!(socket.pod.contains("hostPath") && !socket.pod.contains("hostNetwork"));
        let mut https = endpoint(None, false);
        assert_eq!(loopback.trust, None);
        let address = "https://localhost:1/msi/token".to_owned();
        https
            .variables
            .insert("IDENTITY_ENDPOINT".to_owned(), address);
        let https = of(https);
        for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
            assert!(https.comments().contains(name), "{name}");
        }
        for usage in [loopback, bridge, socket, https] {
            assert!(!format!("{usage:?}").contains("s3cret"), "{usage:?}");
        }
    }

    #[test]
    fn every_line_of_the_usage_is_a_comment() {
        let usage = Usage::of(&endpoint(Some("/a\nrm -r /b"), false), None, Shell::Sh);
        let comments = usage.comments();
        assert!(
            comments.lines().all(|line| line.starts_with('#')),
            "{comments}"
        );
    }
}
