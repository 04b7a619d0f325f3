//! The machine that this process runs on.

use super::{
    Command, FileFacts, FileLock, Finished, Hypervisor, Keyring, OpenFile, System, Unfinished,
    disk, keyring::UserKeyring, limits::named, open_file::read_all, process, variables::sieved,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    ffi::OsString,
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealSystem;

impl super::Sealed for RealSystem {}

impl System for RealSystem {
    fn var(&self, name: &str) -> Option<String> {
        self.var_os(name)?.into_string().ok()
    }

    fn var_os(&self, name: &str) -> Option<OsString> {
        sieved(name, std::env::var_os(name)?)
    }

    fn not_text(&self) -> Vec<String> {
        std::env::vars_os()
            .filter(|(_, value)| value.to_str().is_none())
            .filter_map(|(name, _)| name.into_string().ok())
            .collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // Opening a device may do something.
        let regular = |kind: fs::FileType| {
            if kind.is_file() {
                Ok(())
            } else if kind.is_dir() {
                Err(io::Error::from(io::ErrorKind::IsADirectory))
            } else {
                let why = "it is not a regular file";
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            }
        };
        regular(fs::metadata(path)?.file_type())?;
        let file = disk::open_following(path).map_err(named)?;
        // Another file may have been put at the path meanwhile.
        regular(file.metadata()?.file_type())?;
        read_all(file, limit)
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        disk::open(path).map_err(named)
    }

    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        disk::look(path)
    }

    fn make_folder(&self, folder: &Path, own: &Path) -> io::Result<()> {
        disk::make_folder(folder, own).map_err(named)
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        disk::put(path, content, false).map_err(named)
    }

    fn write_durably(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        disk::put(path, content, true).map_err(named)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)
            .map_err(named)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        disk::try_lock(path).map_err(named)
    }

    #[cfg(feature = "disk-cache")]
    fn keyring(&self) -> Option<&dyn Keyring> {
        Some(&UserKeyring)
    }

    fn has_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    fn start(&self, program: &Path, args: &[String]) -> io::Result<()> {
        process::start(program, args).map_err(named)
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        process::find(name, &std::env::var_os("PATH")?)
    }

    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        process::run(command, self.current_folder(), None).boxed()
    }

    fn hypervisor(&self) -> Hypervisor {
        hypervisor()
    }

    #[cfg(unix)]
    fn user(&self) -> Option<u32> {
        Some(rustix::process::geteuid().as_raw())
    }

    fn os(&self) -> &'static str {
        std::env::consts::OS
    }

    /// On Linux, the kernel's id of this boot and the network namespace; `None` on other systems.
    fn boot(&self) -> Option<String> {
        let id = self
            .read(Path::new("/proc/sys/kernel/random/boot_id"), 64)
            .ok()?;
        let network = fs::read_link("/proc/self/ns/net").ok()?;
        Some(format!(
            "{} {}",
            String::from_utf8(id).ok()?.trim(),
            network.to_str()?
        ))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The kernel stores the time of its last tick (1 to 10 ms ago). Reading it takes a fifth of
    /// the time of a precise reading. It is the wall clock too: it changes when the clock is set
    /// and after a suspension.
    #[cfg(target_os = "linux")]
    fn coarse_now(&self) -> SystemTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        match (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) {
            (Ok(seconds), Ok(nanos)) => {
                SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanos)
            }
            // The time is before 1970.
            _ => SystemTime::now(),
        }
    }
}

/// CPUID leaf 1 says whether there is a hypervisor, leaf 0x4000_0000 which one. Leaf 0x4000_0003 of
/// Microsoft's says whether this is the root partition ('CreatePartitions', Hypervisor Top Level
/// Functional Specification).
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn hypervisor() -> Hypervisor {
    const MAY_MAKE_OTHERS: u32 = 1;
    let cpu = raw_cpuid::CpuId::new();
    match cpu.get_feature_info() {
        None => return Hypervisor::Unknown,
        Some(features) if !features.has_hypervisor() => return Hypervisor::None,
        Some(_) => {}
    }
    let leaf = raw_cpuid::cpuid!(0x4000_0000_u32);
    let mut vendor = Vec::with_capacity(12);
    for word in [leaf.ebx, leaf.ecx, leaf.edx] {
        vendor.extend_from_slice(&word.to_le_bytes());
    }
    let vendor: String = vendor
        .into_iter()
        .take_while(|byte| byte.is_ascii_graphic() || *byte == b' ')
        .map(char::from)
        .collect();
    match vendor.as_str() {
        "" => Hypervisor::Unknown,
        "Microsoft Hv" if raw_cpuid::cpuid!(0x4000_0003_u32).ebx & MAY_MAKE_OTHERS != 0 => {
            Hypervisor::HyperVHost
        }
        "Microsoft Hv" => Hypervisor::HyperV,
        other => Hypervisor::Other(other.to_owned()),
    }
}

/// On other processors, programs can't read which hypervisor there is.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn hypervisor() -> Hypervisor {
    Hypervisor::Unknown
}
