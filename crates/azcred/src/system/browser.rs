//! Opens an address in the browser of the person at this machine, or says why that is not possible.
//!
//! The address is one argument of a program; no shell reads it. Browsers for text terminals are
//! skipped: they would take over the terminal.

use super::{System, is_loopback};
use crate::facts::{Error, ErrorKind, Fix, Result, SignIn, SignInWay};
use std::path::{Path, PathBuf};
use url::Url;

/// A program that opens addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opener {
    program: PathBuf,
    /// The arguments; [`ADDRESS`] stands for the address.
    args: Vec<String>,
}

/// The placeholder for the address, as in the variable `BROWSER`.
const ADDRESS: &str = "%s";

impl Opener {
    fn new(program: PathBuf, args: &[&str]) -> Self {
        Self {
            program,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
        }
    }

    /// The program's name.
    pub(crate) fn name(&self) -> String {
        self.program.file_name().map_or_else(String::new, |name| {
            crate::untrusted::printable(&name.to_string_lossy(), 40)
        })
    }
}

/// Programs that open addresses on Linux and similar systems with a display: first those that open
/// the user's default browser, then browsers.
const OPENERS: [(&str, &[&str]); 12] = [
    ("xdg-open", &[ADDRESS]),
    ("sensible-browser", &[ADDRESS]),
    ("x-www-browser", &[ADDRESS]),
    ("gio", &["open", ADDRESS]),
    ("kde-open", &[ADDRESS]),
    ("firefox", &[ADDRESS]),
    ("firefox-esr", &[ADDRESS]),
    ("chromium", &[ADDRESS]),
    ("chromium-browser", &[ADDRESS]),
    ("google-chrome", &[ADDRESS]),
    ("microsoft-edge", &[ADDRESS]),
    ("brave-browser", &[ADDRESS]),
];

/// Browsers that draw in a terminal. Debian's alternative `www-browser` may lead to one.
const IN_A_TERMINAL: [&str; 10] = [
    "www-browser",
    "w3m",
    "lynx",
    "links",
    "links2",
    "elinks",
    "browsh",
    "carbonyl",
    "netrik",
    "edbrowse",
];

/// Finds the program that opens addresses, or says why there is none, as half a sentence. It only
/// reads variables and looks for programs.
///
/// `BROWSER` comes first: it is set on purpose, for example by an editor that is connected to this
/// machine.
pub(crate) fn find(system: &dyn System) -> std::result::Result<Opener, String> {
    let listed = system.var("BROWSER");
    if let Some(list) = &listed {
        if list.trim() == "none" {
            return Err("BROWSER is set to \"none\"".to_owned());
        }
        if let Some(browser) = chosen(system, list) {
            return Ok(browser);
        }
    }
    let but = if listed.is_some() {
        ", and BROWSER names no program that opens windows"
    } else {
        ""
    };
    if ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]
        .iter()
        .any(|name| system.var(name).is_some())
    {
        return Err(format!("this is a session over SSH{but}"));
    }
    match system.os() {
        "macos" => Ok(Opener::new("/usr/bin/open".into(), &[ADDRESS])),
        "windows" => system
            .find_program("rundll32")
            .map(by_rundll32)
            .ok_or_else(|| format!("rundll32.exe is not on PATH{but}")),
        _ => by_windows_outside(system)
            .or_else(|| by_display(system))
            .ok_or_else(|| format!("{}{but}", why_not(system))),
    }
}

/// Opens `address`.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if this machine has no browser or it can't be started;
/// [`ErrorKind::Invalid`] if the address is neither `https` nor on loopback.
pub(crate) fn open(system: &dyn System, address: &Url) -> Result<()> {
    const WHAT: &str = "could not open a browser";
    if address.scheme() != "https" && !(address.scheme() == "http" && is_loopback(address)) {
        return Err(Error::new(
            ErrorKind::Invalid,
            WHAT,
            "the address is neither https nor on this machine",
        )
        .with_fix("check the authority's address"));
    }
    let browser = find(system)
        .map_err(|why| Error::new(ErrorKind::Unavailable, WHAT, why).with_fix(no_browser()))?;
    // A quote is the only character of an address that could end the PowerShell string below.
    let address = address.as_str().replace('\'', "%27");
    let args: Vec<String> = browser
        .args
        .iter()
        .map(|arg| arg.replace(ADDRESS, &address))
        .collect();
    tracing::debug!(program = %browser.program.display(), "opening a browser");
    system.start(&browser.program, &args).map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            WHAT,
            format!("{} could not be started: {error}", browser.name()),
        )
        .with_fix(no_browser())
    })
}

/// The fix if no browser can be opened.
pub(crate) fn no_browser() -> Fix {
    Fix::SignIn(SignIn::by(SignInWay::DeviceCode))
        .or("set BROWSER to a program that opens addresses")
}

/// The first command in `BROWSER` that can be run here. As for other tools, the list has names or
/// full paths with arguments, separated by colons (semicolons on Windows).
fn chosen(system: &dyn System, list: &str) -> Option<Opener> {
    let separator = if system.os() == "windows" { ';' } else { ':' };
    list.split(separator).find_map(|command| {
        let command = command.trim();
        let (program, mut args) = match program(system, command) {
            // A path may contain spaces.
            Some(program) => (program, Vec::new()),
            None => {
                let mut words = command.split_whitespace();
                let program = program(system, words.next()?)?;
                let unquoted = |word: &str| word.trim_matches(['"', '\'']).to_owned();
                // In a shell, `&` means not to wait for the end. azcred never waits for it.
                let args: Vec<_> = words.filter(|word| *word != "&").map(unquoted).collect();
                (program, args)
            }
        };
        let name = program.file_name()?.to_str()?;
        if IN_A_TERMINAL.contains(&name) {
            return None;
        }
        if !args.iter().any(|arg| arg.contains(ADDRESS)) {
            args.push(ADDRESS.to_owned());
        }
        Some(Opener { program, args })
    })
}

/// A program by its full path, or by its name on `PATH`.
fn program(system: &dyn System, name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.is_absolute() {
        return exists(system, name).then(|| path.to_owned());
    }
    // A relative path with a folder would depend on the current folder.
    (!name.is_empty() && path.components().count() == 1)
        .then(|| system.find_program(name))
        .flatten()
}

fn exists(system: &dyn System, path: &str) -> bool {
    let path = Path::new(path);
    let is_on_path = || {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| system.find_program(name)).as_deref() == Some(path)
    };
    system.look(path).is_ok() || is_on_path()
}

fn by_rundll32(program: PathBuf) -> Opener {
    Opener::new(program, &["url.dll,FileProtocolHandler", ADDRESS])
}

/// Within the Windows Subsystem for Linux, the browser is a Windows program.
fn by_windows_outside(system: &dyn System) -> Option<Opener> {
    const SYSTEM32: &str = "/mnt/c/Windows/System32";
    if system.var("WSL_DISTRO_NAME").is_none() && system.var("WSL_INTEROP").is_none() {
        return None;
    }
    let at = |file: &str| {
        let path = format!("{SYSTEM32}/{file}");
        exists(system, &path).then(|| PathBuf::from(path))
    };
    if let Some(wslview) = system.find_program("wslview") {
        return Some(Opener::new(wslview, &[ADDRESS]));
    }
    if let Some(rundll32) = at("rundll32.exe").or_else(|| system.find_program("rundll32.exe")) {
        return Some(by_rundll32(rundll32));
    }
    let powershell = at("WindowsPowerShell/v1.0/powershell.exe")
        .or_else(|| system.find_program("powershell.exe"))?;
    // PowerShell changes nothing between single quotes but the quotes themselves
    // ('about_Quoting_Rules').
    let command = format!("Start-Process '{ADDRESS}'");
    Some(Opener::new(
        powershell,
        &["-NoProfile", "-NonInteractive", "-Command", &command],
    ))
}

fn by_display(system: &dyn System) -> Option<Opener> {
    if !has_display(system) {
        return None;
    }
    OPENERS
        .iter()
        .find_map(|(name, args)| Some(Opener::new(system.find_program(name)?, args)))
}

fn has_display(system: &dyn System) -> bool {
    system.var("DISPLAY").is_some() || system.var("WAYLAND_DISPLAY").is_some()
}

fn why_not(system: &dyn System) -> &'static str {
    if has_display(system) {
        "PATH has no program that opens one, such as xdg-open or firefox"
    } else if ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| exists(system, mark))
    {
        "this is a container without a display"
    } else {
        "this session has no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    }
}

#[cfg(test)]
#[path = "browser_tests.rs"]
mod tests;
