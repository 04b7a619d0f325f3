//! The program that has a socket, from `/proc` (`proc_pid_fd(5)`).

use super::Process;
use azcred::Untrusted;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};

/// How many programs are remembered. A program that had a socket probably has the next one too.
const REMEMBERED: usize = 8;
/// A search through all programs ends after this time, and the next one waits for so long.
const PATIENCE: Duration = Duration::from_millis(50);
/// Of one program, only this many files are read.
const FILES: usize = 4096;

/// Finds the program that has a socket. One search runs at a time. A client waits for it only
/// shortly: its program is worth less than its token.
#[derive(Debug, Default)]
pub(super) struct Processes(Arc<Mutex<Vec<u32>>>);

impl Processes {
    pub(super) async fn with_socket(&self, inode: u32) -> Option<Process> {
        let recent = timeout(PATIENCE, self.0.clone().lock_owned()).await;
        let mut recent = recent.ok()?;
        let found = spawn_blocking(move || {
            let id = find(inode, &recent)?;
            recent.retain(|other| *other != id);
            recent.truncate(REMEMBERED - 1);
            recent.insert(0, id);
            named(id)
        });
        found.await.ok()?
    }
}

/// The program with this id.
pub(super) fn named(id: u32) -> Option<Process> {
    let name = fs::read(format!("/proc/{id}/comm")).ok()?;
    Some(Process {
        id,
        name: Untrusted::new(String::from_utf8_lossy(&name).trim_end()),
    })
}

fn find(inode: u32, recent: &[u32]) -> Option<u32> {
    let started = Instant::now();
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    let known = recent.iter().copied().find(|id| has(*id, &socket));
    known.or_else(|| {
        let name = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        let mut ids: Vec<u32> = fs::read_dir("/proc")
            .ok()?
            .flatten()
            .filter_map(name)
            .collect();
        // A program that has just started is likely to be the one.
        ids.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        let mut ids = ids.into_iter().take_while(|_| started.elapsed() < PATIENCE);
        ids.find(|id| has(*id, &socket))
    })
}

/// Whether a program has a socket. That of another user can't be read.
fn has(id: u32, socket: &Path) -> bool {
    fs::read_dir(format!("/proc/{id}/fd")).is_ok_and(|files| {
        let mut files = files.flatten().take(FILES);
        files.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == socket))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, os::unix::fs::MetadataExt, process};

    #[tokio::test]
    async fn the_program_that_has_a_socket_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let file = std::os::fd::AsRawFd::as_raw_fd(&listener);
        let inode = fs::metadata(format!("/proc/self/fd/{file}")).unwrap().ino();
        let processes = Processes::default();
        for _ in 0..2 {
            let found = processes.with_socket(inode.try_into().unwrap()).await;
            assert_eq!(found.unwrap().id, process::id());
        }
        assert_eq!(processes.with_socket(0).await, None);
    }
}
