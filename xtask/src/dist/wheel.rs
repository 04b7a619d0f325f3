//! The Python package of a release: the wheel for this machine, and the sources.

use super::{Installed, Stage, emptied, program};
use crate::bindings::{self, Build, Packages};
use anyhow::{Context as _, Result};
use std::{env, fs, path::Path};

/// What a notebook does first. It prints the token.
const PROGRAM: &str = "import azcred
print(azcred.Credential().get_token('https://management.azure.com/.default').token)";

/// Makes the wheel and the sources in the folder `out`, installs the wheel into an empty
/// environment and uses what it has.
pub(super) fn made(stage: &Stage, profile: &str, out: &Path) -> Result<()> {
    let command = fs::read(stage.folder.join(program()))?;
    // maturin looks at the extension only, and the wheel has the command too.
    let compatibility = match stage.triple.ends_with("linux-gnu") {
        true => format!("manylinux_2_{}", oldest_glibc(&command)?),
        false => "pypi".into(),
    };
    // The release's profile is the backend's default; the extension has one of its own.
    let build = Build {
        profile: Some(profile).filter(|profile| *profile != "release"),
        compatibility: Some(&compatibility),
    };
    let Packages { wheel, .. } = bindings::packages(&build, out)?;
    let place = emptied("dist-stage/wheel")?;
    let folder = place.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = folder.join(format!("python{}", env::consts::EXE_SUFFIX));
    bindings::installed(&wheel, &place)?;
    let installed = Installed::at(folder.join(program()))?;
    installed.works()?;
    installed.gets_token(&[&python.to_string_lossy(), "-c", PROGRAM])
}

/// The oldest glibc with which a program runs, by the versions of the symbols that it needs, and
/// that a wheel's name may have.
fn oldest_glibc(program: &[u8]) -> Result<u32> {
    const MARK: &[u8] = b"GLIBC_2.";
    let versions = program.windows(MARK.len() + 3).filter_map(|bytes| {
        let digits = bytes.strip_prefix(MARK)?;
        let length = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        std::str::from_utf8(&digits[..length])
            .ok()?
            .parse::<u32>()
            .ok()
    });
    let newest = versions.max().unwrap_or(0);
    // maturin's policies `manylinux_2_N`.
    let mut policies = [17, 24, 26, 27, 28, 31].into_iter().chain(34..=42);
    let policy = policies.find(|policy| *policy >= newest);
    policy.with_context(|| format!("it needs glibc 2.{newest}, and no wheel's name has that"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_wheel_has_the_newest_glibc_that_the_command_needs() {
        let needs = |text: &str| oldest_glibc(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(needs("\0GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.4\0"), Ok(34));
        assert_eq!(needs("\0GLIBC_2.18\0GLIBC_PRIVATE\0\0\0"), Ok(24));
        assert_eq!(needs("static, and long enough"), Ok(17));
        assert!(needs("\0GLIBC_2.99\0").unwrap_err().contains("2.99"));
    }
}
