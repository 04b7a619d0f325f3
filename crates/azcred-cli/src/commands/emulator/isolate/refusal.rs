//! Why the system permits a program no network of its own, and what permits it.

use super::outside::not_isolated;
use crate::failure::Failure;
use azcred::{Fix, printable};

/// Settings of the kernel: the name, the value that forbids it and one that permits it, and what
/// the former means.
const SETTINGS: [(&str, &str, &str, &str); 3] = [
    (
        "kernel.apparmor_restrict_unprivileged_userns",
        "1",
        "0",
        "AppArmor lets only root make user namespaces with rights, as in Ubuntu 24.04",
    ),
    (
        "kernel.unprivileged_userns_clone",
        "0",
        "1",
        "the kernel lets only root make user namespaces, as in older versions of Debian",
    ),
    (
        "user.max_user_namespaces",
        "0",
        "10000",
        "the system has turned user namespaces off",
    ),
];

/// Files that are there in containers of Docker and Podman.
const CONTAINER: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The failure for what `unshare` said. `read` returns a file's content.
pub(super) fn explain(said: &str, read: impl Fn(&str) -> Option<String>) -> Failure {
    let said = said.lines().next().unwrap_or_default().trim();
    let said = match said {
        "" => "it said nothing".to_owned(),
        said => format!("it said \"{}\"", printable(said, 200)),
    };
    let value = |name: &str| {
        let file = format!("/proc/sys/{}", name.replacen('.', "/", 1));
        read(&file).map(|value| value.trim().to_owned())
    };
    let found = SETTINGS
        .iter()
        .find(|(name, forbids, ..)| value(name).as_deref() == Some(*forbids));
    let (why, fix) = match found {
        Some((name, forbids, permits, meaning)) => {
            let fix = Fix::from(format!("permit it with `sudo sysctl -w {name}={permits}`"))
                .or("run this as root");
            (format!("{meaning} ({name} is {forbids})"), fix)
        }
        None if CONTAINER.iter().any(|file| read(file).is_some()) => (
            "the container does not permit it".to_owned(),
            Fix::from(
                "start the container with the options `--cap-add SYS_ADMIN --cap-add NET_ADMIN` and `--security-opt apparmor=unconfined`",
            ),
        ),
        None => (
            "the system does not permit it".to_owned(),
            Fix::from("run this as root, or with util-linux 2.36 or later")
                .or("run it without --isolate"),
        ),
    };
    not_isolated(format!("{why}; `unshare` did not start, and {said}")).fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(said: &str, files: &[(&str, &str)]) -> (String, String) {
        let failure = explain(said, |file| {
            let found = files.iter().find(|(name, _)| *name == file);
            found.map(|(_, content)| (*content).to_owned())
        });
        let fix = failure.fix.expect("a fix").to_string();
        (failure.why, fix)
    }

    #[test]
    fn what_forbids_it_is_named_with_what_permits_it() {
        let denied = "unshare: unshare failed: Operation not permitted\n";
        for (file, content, cause, permits) in [
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1\n",
                "AppArmor",
                "kernel.apparmor_restrict_unprivileged_userns=0",
            ),
            (
                "/proc/sys/kernel/unprivileged_userns_clone",
                "0\n",
                "only root",
                "kernel.unprivileged_userns_clone=1",
            ),
            (
                "/proc/sys/user/max_user_namespaces",
                "0\n",
                "turned user namespaces off",
                "user.max_user_namespaces=10000",
            ),
            ("/.dockerenv", "", "the container", "--cap-add SYS_ADMIN"),
        ] {
            let (why, fix) = why(denied, &[(file, content)]);
            assert!(why.contains(cause), "{why}");
            assert!(why.contains("Operation not permitted"), "{why}");
            assert!(fix.contains(permits), "{fix}");
        }
        let permitted = [("/proc/sys/user/max_user_namespaces", "96365\n")];
        let (why, fix) = why("unshare: unrecognized option '--keep-caps'", &permitted);
        assert!(why.contains("unrecognized option"), "{why}");
        assert!(fix.contains("util-linux 2.36"), "{fix}");
    }
}
