//! Whether this machine may be an Azure virtual machine, which has an instance metadata service.
//! Reads only local facts.
//!
//! 1. `AZURE_POD_IDENTITY_AUTHORITY_HOST` names the service, so there is one;
//! 2. macOS does not run in Azure, and WSL, though on Hyper-V, runs on a personal computer;
//! 3. the firmware's chassis asset tag is the same on all Azure machines (cloud-init uses it too);
//! 4. without a tag, the hypervisor counts: Azure's is always Hyper-V;
//! 5. a guest of Hyper-V, or a machine whose hypervisor is unknown, may be anywhere.

use crate::{
    facts::{Error, ErrorKind, Evidence, Result},
    sieve::{in_brackets, tidied},
    system::{Hypervisor, System},
    untrusted::printable,
};
use std::path::Path;

/// The value of `AZCRED_IMDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Request a token in any case.
    Always,
    /// Never request a token.
    Never,
    /// The variable is not set.
    None,
}

impl Wish {
    /// # Errors
    /// [`ErrorKind::Invalid`] for another value.
    pub(super) fn read(system: &dyn System) -> Result<Self> {
        let Some(text) = system.var("AZCRED_IMDS") else {
            return Ok(Self::None);
        };
        match tidied(&text).to_ascii_lowercase().as_str() {
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("AZCRED_IMDS {} is not valid", in_brackets(&text)),
                "the value is neither 'always' nor 'never'",
            )
            .with_fix("set AZCRED_IMDS to always or never, or unset it")),
        }
    }
}

/// Azure's chassis asset tag (cloud-init, `sources/azure/identity.py`).
const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";
const TAG_FILE: &str = "/sys/class/dmi/id/chassis_asset_tag";
const KERNEL_FILE: &str = "/proc/sys/kernel/osrelease";
/// The most bytes that are read of such a file.
const LINE_LIMIT: u64 = 4096;

/// Evaluates the machine's facts. Reads at most two small files.
pub(super) fn gather(system: &dyn System) -> Evidence {
    if system.var("AZURE_POD_IDENTITY_AUTHORITY_HOST").is_some() {
        return Evidence::Address;
    }
    if system.os() == "macos" {
        return Evidence::MacOs;
    }
    let is_wsl = line(system, KERNEL_FILE)
        .is_some_and(|kernel| kernel.to_ascii_lowercase().contains("microsoft"))
        || system.var("WSL_DISTRO_NAME").is_some();
    if is_wsl {
        return Evidence::Wsl;
    }
    if let Some(tag) = line(system, TAG_FILE) {
        return match &*tag {
            AZURE_TAG => Evidence::AzureAssetTag,
            other => Evidence::OtherAssetTag(printable(other, 40)),
        };
    }
    match system.hypervisor() {
        Hypervisor::None => Evidence::OwnHardware,
        Hypervisor::HyperVHost => Evidence::HyperVHost,
        Hypervisor::Other(vendor) => Evidence::OtherHypervisor(printable(&vendor, 40)),
        Hypervisor::HyperV => Evidence::HyperV,
        Hypervisor::Unknown => Evidence::Nothing,
    }
}

/// The first line of a file, if it is not empty. In a container the file may be empty or
/// unreadable.
fn line(system: &dyn System, path: &str) -> Option<String> {
    let bytes = system.read(Path::new(path), LINE_LIMIT).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    fn says(machine: &Fixture) -> Option<bool> {
        gather(machine).is_azure()
    }

    fn on(hypervisor: Hypervisor) -> Fixture {
        Fixture::new().with_hypervisor(hypervisor)
    }

    #[test]
    fn the_firmware_decides_if_it_has_a_tag() {
        let azure = format!("{AZURE_TAG}\n");
        for hypervisor in [
            Hypervisor::HyperV,
            Hypervisor::Unknown,
            Hypervisor::Other("KVMKVMKVM".into()),
        ] {
            let machine = on(hypervisor);
            assert_eq!(
                says(&machine.clone().with_file(TAG_FILE, azure.as_str())),
                Some(true)
            );
            assert_eq!(
                says(&machine.clone().with_file(TAG_FILE, "Amazon EC2\n")),
                Some(false)
            );
            assert_eq!(
                says(
                    &machine
                        .clone()
                        .with_file(TAG_FILE, AZURE_TAG.replace("77", "78"))
                ),
                Some(false)
            );
        }
    }

    #[test]
    fn the_hypervisor_decides_if_the_firmware_has_no_tag() {
        for (hypervisor, expected) in [
            (Hypervisor::None, Some(false)),
            (Hypervisor::HyperVHost, Some(false)),
            (Hypervisor::Other("KVMKVMKVM".into()), Some(false)),
            (Hypervisor::HyperV, None),
            (Hypervisor::Unknown, None),
        ] {
            let machine = on(hypervisor.clone());
            assert_eq!(says(&machine), expected, "{hypervisor:?}");
            // In a container the file may be empty.
            for empty in ["", "\n", " \n"] {
                let machine = machine.clone().with_file(TAG_FILE, empty);
                assert_eq!(says(&machine), expected, "{hypervisor:?} {empty:?}");
            }
        }
    }

    #[test]
    fn wsl_and_macos_are_personal_computers_though_wsl_runs_on_hyper_v() {
        let machine = on(Hypervisor::HyperV);
        let kernel = "5.15.153.1-microsoft-standard-WSL2\n";
        assert_eq!(
            says(&machine.clone().with_file(KERNEL_FILE, kernel)),
            Some(false)
        );
        assert_eq!(
            says(&machine.clone().with_var("WSL_DISTRO_NAME", "Debian")),
            Some(false)
        );
        assert_eq!(says(&on(Hypervisor::Unknown).with_os("macos")), Some(false));
        let azure = machine
            .with_file(KERNEL_FILE, "6.8.0-1015-azure\n")
            .with_file(TAG_FILE, AZURE_TAG);
        assert_eq!(says(&azure), Some(true));
    }

    #[test]
    fn a_given_address_is_evidence_enough() {
        let pod = on(Hypervisor::None)
            .with_var("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://localhost:1");
        assert_eq!(says(&pod), Some(true));
    }

    #[test]
    fn another_tag_is_printable() {
        let machine = Fixture::new().with_file(TAG_FILE, "\u{1b}[2J".repeat(900));
        assert!(!gather(&machine).to_string().contains('\u{1b}'));
        assert!(gather(&machine).to_string().len() < 200);
    }

    #[test]
    fn azcred_imds_is_always_or_never() {
        let read = |value: &str| Wish::read(&Fixture::new().with_var("AZCRED_IMDS", value));
        assert_eq!(read("Always ").unwrap(), Wish::Always);
        assert_eq!(read("never").unwrap(), Wish::Never);
        assert_eq!(Wish::read(&Fixture::new()).unwrap(), Wish::None);
        for bad in ["yes", "1", "sometimes"] {
            let error = read(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.what().contains("AZCRED_IMDS"), "{error}");
        }
    }
}
