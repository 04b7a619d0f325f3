//! Tests of real machines and fixtures.

use super::*;
use std::fs;

#[test]
fn an_empty_variable_is_an_unset_one() {
    assert_eq!(Fixture::new().with_var("A", " \n").var("A"), None);
    assert_eq!(Fixture::new().with_var("A", "").var_os("A"), None);
}

#[test]
fn azcred_home_replaces_the_users_folders_and_must_be_absolute() {
    for os in ["linux", "macos", "windows"] {
        let machine = Fixture::new()
            .with_os(os)
            .with_var("HOME", "/home/ada")
            .with_var("LOCALAPPDATA", "/home/ada/local")
            .with_var("XDG_DATA_HOME", "/home/ada/xdg");
        let apart = machine.clone().with_var("AZCRED_HOME", "/apart");
        assert_eq!(data_folder(&apart).unwrap(), Path::new("/apart/data"));
        assert_eq!(cache_folder(&apart).unwrap(), Path::new("/apart/cache"));
        let relative = machine.clone().with_var("AZCRED_HOME", "apart");
        assert_eq!(data_folder(&relative), data_folder(&machine));
    }
    // The home folder does not name itself.
    for itself in ["~", "~/ada"] {
        assert_eq!(home(&Fixture::new().with_var("HOME", itself)), None);
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_keeps_its_bytes() {
    let odd = |text: &[u8]| -> OsString { std::os::unix::ffi::OsStringExt::from_vec(text.into()) };
    let machine = Fixture::new()
        .with_var_os("HOME", odd(b"/home/\xe9ve"))
        .with_var_os("AZURE_CONFIG_DIR", odd(b"az\xe9"));
    assert_eq!(home(&machine).unwrap(), odd(b"/home/\xe9ve"));
    assert_eq!(
        cache_folder(&machine).unwrap(),
        odd(b"/home/\xe9ve/.cache/azcred")
    );
    let config = path(&machine, "AZURE_CONFIG_DIR");
    assert_eq!(config.unwrap(), odd(b"/project/az\xe9"));
    let apart = machine.with_var_os("AZCRED_HOME", odd(b"/\xff"));
    assert_eq!(data_folder(&apart).unwrap(), odd(b"/\xff/data"));
}

#[test]
fn on_no_system_are_settings_in_the_private_folder() {
    for os in ["linux", "macos", "windows"] {
        let machine = Fixture::new()
            .with_os(os)
            .with_var("HOME", "/home/ada")
            .with_var("APPDATA", "/home/ada/roaming")
            .with_var("LOCALAPPDATA", "/home/ada/local");
        let (data, config) = (data_folder(&machine), config_folder(&machine));
        assert!(!config.unwrap().starts_with(data.unwrap()), "{os}");
    }
}

/// Programs in the emulator, for example, don't read the user's settings.
#[test]
fn all_files_are_in_a_folder_of_its_own() {
    for os in ["linux", "macos", "windows"] {
        let machine = Fixture::new()
            .with_os(os)
            .with_var("HOME", "/home/ada")
            .with_var("XDG_CONFIG_HOME", "/home/ada/xdg")
            .with_var("APPDATA", "/home/ada/roaming")
            .with_var("LOCALAPPDATA", "/home/ada/local")
            .with_var("AZCRED_HOME", "/apart");
        for folder in [cache_folder, data_folder, config_folder] {
            let folder = folder(&machine).unwrap();
            assert!(folder.starts_with("/apart"), "{os}: {folder:?}");
        }
    }
}

#[test]
fn the_coarse_clock_is_the_wall_clock() {
    let difference =
        |a: SystemTime, b: SystemTime| a.duration_since(b).unwrap_or_else(|error| error.duration());
    let (coarse, precise) = (RealSystem.coarse_now(), RealSystem.now());
    assert!(
        difference(coarse, precise) < Duration::from_secs(5),
        "{coarse:?} {precise:?}"
    );
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_opened() {
    let kind = |path: &str| RealSystem.read(Path::new(path), 10).unwrap_err().kind();
    assert_eq!(kind("/dev/zero"), io::ErrorKind::InvalidInput);
    assert_eq!(kind("/"), io::ErrorKind::IsADirectory);
}

#[test]
fn a_file_past_its_limit_is_not_read() {
    let directory = std::env::temp_dir().join(format!("azcred-system-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&directory).unwrap();
    let path = directory.join("file");
    fs::write(&path, b"12345").unwrap();
    assert_eq!(RealSystem.read(&path, 5).unwrap(), b"12345");
    assert_eq!(
        RealSystem.read(&path, 4).unwrap_err().kind(),
        io::ErrorKind::FileTooLarge
    );
    fs::remove_dir_all(directory).unwrap();
    assert_eq!(
        Fixture::new()
            .with_file("/a", "12345")
            .read(Path::new("/a"), 4)
            .unwrap_err()
            .kind(),
        io::ErrorKind::FileTooLarge
    );
}

#[cfg(unix)]
mod programs {
    use super::super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    struct Script {
        folder: PathBuf,
        system: Fixture,
    }

    impl Script {
        fn new(text: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("azcred-run-{}", uuid::Uuid::new_v4()));
            fs::create_dir(&folder).unwrap();
            let path = folder.join("tool");
            azcred_scripts::shell_script(&path, text).unwrap();
            let system = Fixture::new()
                .with_var("PATH", "/usr/bin:/bin")
                .with_var("FOLDER", folder.to_str().unwrap())
                .with_program("tool", &Program::real(path));
            Self { folder, system }
        }

        fn command(&self, deadline: Duration) -> Command {
            Command {
                program: self.system.find_program("tool").unwrap(),
                args: vec!["a b".into(), "$HOME;".into()],
                vars: vec![("EXTRA", "1".into())],
                deadline,
            }
        }
    }

    impl Drop for Script {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    const AMPLE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_program_gets_its_arguments_as_they_are_no_input_and_a_safe_folder() {
        let script =
            Script::new(r#"printf '%s|' "$@" "$EXTRA" "$(pwd)" "$(cat)"; echo why >&2; exit 3"#);
        let done = script.system.run(script.command(AMPLE)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), "a b|$HOME;|1|/||");
        assert_eq!((&done.stderr[..], done.code), (&b"why\n"[..], Some(3)));
        assert!(!format!("{done:?}").contains("why"));
    }

    /// Whether a process is running. A zombie is not.
    #[cfg(target_os = "linux")]
    fn runs(id: &str) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", id.trim()))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[cfg(target_os = "linux")]
    async fn gone(id: &str) {
        while runs(id) {
            tokio::task::yield_now().await;
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_program_past_its_deadline_is_killed_with_what_it_started() {
        // On a busy machine, the program may not have started within the shortest deadline.
        for seconds in [1, 5, 60] {
            let script = Script::new(
                "sleep 600 & echo $! > $FOLDER/child; echo $$ > $FOLDER/new; mv $FOLDER/new $FOLDER/parent; wait",
            );
            let command = script.command(Duration::from_secs(seconds));
            let outcome = script.system.run(command).await;
            assert!(matches!(outcome, Err(Unfinished::TooLate)), "{outcome:?}");
            let read = |name| fs::read_to_string(script.folder.join(name));
            let Ok(parent) = read("parent") else { continue };
            gone(&parent).await;
            gone(&read("child").unwrap()).await;
            return;
        }
        panic!("no program was started");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_cancelled_program_is_killed_with_what_it_started() {
        let script =
            Script::new("sleep 600 & echo $! > $FOLDER/new; mv $FOLDER/new $FOLDER/child; wait");
        let child = script.folder.join("child");
        let running = script.system.run(script.command(AMPLE));
        let id = tokio::select! {
            outcome = running => panic!("{outcome:?}"),
            id = async {
                loop {
                    match fs::read_to_string(&child) {
                        Ok(id) => break id,
                        Err(_) => tokio::task::yield_now().await,
                    }
                }
            } => id,
        };
        gone(&id).await;
    }

    #[tokio::test]
    async fn a_program_that_prints_without_end_is_stopped() {
        let script = Script::new("exec cat /dev/zero");
        let outcome = script.system.run(script.command(AMPLE)).await;
        assert!(matches!(outcome, Err(Unfinished::TooMuch)), "{outcome:?}");
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_does_not_keep_the_caller() {
        let script = Script::new("sleep 60 & echo done");
        let done = script.system.run(script.command(AMPLE)).await.unwrap();
        assert_eq!(&done.stdout[..], b"done\n");
    }

    #[tokio::test]
    async fn a_relative_path_in_a_variable_is_absolute_for_a_program() {
        let mut script =
            Script::new(r#"printf '%s|' "$AZURE_CONFIG_DIR" "$SSL_CERT_FILE" "$HOME""#);
        for (name, value) in [
            ("AZURE_CONFIG_DIR", ".azure"),
            ("SSL_CERT_FILE", "/etc/roots.pem"),
            ("HOME", "/home/ada"),
        ] {
            script.system = script.system.clone().with_var(name, value);
        }
        let done = script.system.run(script.command(AMPLE)).await.unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(said, "/project/.azure|/etc/roots.pem|/home/ada|");
    }

    #[test]
    fn programs_are_found_on_full_paths_only() {
        let script = Script::new("");
        let found = |path: &str| process::find("tool", path.as_ref());
        let folder = script.folder.to_str().unwrap();
        assert_eq!(
            found(&format!("/nowhere:{folder}")),
            Some(script.folder.join("tool"))
        );
        assert_eq!(found("."), None);
        fs::set_permissions(
            script.folder.join("tool"),
            fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        assert_eq!(found(folder), None, "no program");
    }

    #[test]
    fn a_file_is_written_whole_and_readable_by_its_owner_only() {
        let folder = std::env::temp_dir().join(format!("azcred-write-{}", uuid::Uuid::new_v4()));
        let path = folder.join("deep").join("file");
        RealSystem
            .make_folder(&folder.join("deep"), &folder)
            .unwrap();
        for content in ["one", "two"] {
            RealSystem.write(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let facts = RealSystem.look(&path).unwrap();
        assert_eq!((facts.kind, facts.len), (FileKind::File, 3));
        std::os::unix::fs::symlink(&path, folder.join("link")).unwrap();
        assert_eq!(
            RealSystem.look(&folder.join("link")).unwrap().kind,
            FileKind::Link
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_files_mode_shows_who_may_write() {
        let folder = std::env::temp_dir().join(format!("azcred-mode-{}", uuid::Uuid::new_v4()));
        let path = folder.join("file");
        RealSystem.make_folder(&folder, &folder).unwrap();
        RealSystem.write(&path, b"x").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let private = std::os::unix::fs::MetadataExt::uid(&metadata)
            == std::os::unix::fs::MetadataExt::gid(&metadata);
        let by_group = if private {
            Writers::Owner
        } else {
            Writers::Group
        };
        for (mode, writers) in [
            (0o600, Writers::Owner),
            (0o644, Writers::Owner),
            (0o664, by_group),
            (0o602, Writers::Anybody),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(RealSystem.look(&path).unwrap().writers, writers, "{mode:o}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn this_machine_has_a_hypervisor_and_a_boot_id() {
    let says = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if cfg!(target_arch = "x86_64") {
        let guest = says.split_whitespace().any(|word| word == "hypervisor");
        let here = RealSystem.hypervisor();
        assert_eq!(guest, here != Hypervisor::None, "{here:?}");
    }
    let boot = RealSystem.boot().unwrap();
    assert!(boot.contains(" net:["), "{boot}");
    assert_eq!(Some(boot), RealSystem.boot());
}
