//! On Unix, a program in the emulator gets a home folder of links to the user's own files, without
//! the user's sign-ins.

use crate::{common::Lab, isolation::inherited};
use azcred_emulator::{
    Emulator, Info, Inherited, Isolated, Lifetime, Options, PERSONAS, Persona, WAYS, Way,
};
use std::{collections::BTreeMap, path::Path, process::Command};

/// The content of a user's sign-in.
const REAL: &str = "of-the-real-azure";

/// Where tools keep sign-ins below a user's home folder.
const PLACES: &[&str] = &[
    ".azure",
    ".Azure",
    ".azd",
    ".IdentityService",
    ".local/share/.IdentityService",
    ".azcopy",
    ".azureml/auth",
    ".kube/cache/kubelogin",
];

fn run(isolated: &Isolated, inherited: &Inherited, script: &str) -> String {
    let mut sh = Command::new("/bin/sh");
    sh.args(["-c", script])
        .env_clear()
        .envs(&inherited.variables);
    isolated.apply_to(&mut sh);
    let output = sh.output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// Each file below a folder with its content, through no link.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(one) = folders.pop() {
        for entry in std::fs::read_dir(&one).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                all.insert(name, std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    all
}

fn put(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Reads and writes at each place below `$1`.
fn at_each_place() -> String {
    let each = |place: &&str| {
        format!(
            "cat \"$HOME/{place}/planted\" 2>/dev/null; mkdir -p \"$HOME/{place}\"; echo emulated > \"$HOME/{place}/planted\"; "
        )
    };
    PLACES.iter().map(each).collect()
}

#[tokio::test]
async fn each_place_of_a_users_sign_ins_is_neither_read_nor_changed() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let home = tempfile::tempdir().unwrap();
    for place in PLACES {
        put(&home.path().join(place).join("planted"), REAL);
    }
    put(&home.path().join("data/.IdentityService/planted"), REAL);
    put(&home.path().join("cli/planted"), REAL);
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let inherited = inherited(&[
        ("PATH", "/usr/bin:/bin"),
        ("HOME", &at("")),
        ("XDG_DATA_HOME", &at("data")),
        ("AZURE_CONFIG_DIR", &at("cli")),
        ("AZD_CONFIG_DIR", &at("cli")),
        ("AZCRED_HOME", &at("cli")),
    ]);
    let before = files(home.path());
    let script = at_each_place()
        + "for folder in \"$XDG_DATA_HOME/.IdentityService\" \"$AZURE_CONFIG_DIR\" \"$AZD_CONFIG_DIR\" \"$AZCRED_HOME\"; do \
           cat \"$folder/planted\" 2>/dev/null; mkdir -p \"$folder\"; echo emulated > \"$folder/planted\"; done; echo ran";
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let isolated = info.isolated(*persona, *way, &inherited).unwrap();
            let said = run(&isolated, &inherited, &script);
            isolated.end();
            assert!(
                said.ends_with("ran\n") && !said.contains(REAL),
                "{name}: {said}"
            );
            assert_eq!(files(home.path()), before, "{name}");
        }
    }
}

/// A program without an account, of a user with this home folder.
fn without_account(lab: &Lab, home: &Path) -> (Inherited, Isolated) {
    let inherited = inherited(&[("PATH", "/usr/bin:/bin"), ("HOME", home.to_str().unwrap())]);
    let info = lab.emulator.info();
    let isolated = info.isolated(Persona::NoAccount, Way::RealNames, &inherited);
    (inherited, isolated.unwrap())
}

#[tokio::test]
async fn a_place_that_the_user_does_not_have_is_not_made() {
    let lab = Lab::start().await;
    let home = tempfile::tempdir().unwrap();
    let (inherited, isolated) = without_account(&lab, home.path());
    run(&isolated, &inherited, &at_each_place());
    isolated.end();
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_sign_in_stays_for_its_persona_and_reaches_no_other() {
    let lab = Lab::start().await;
    let home = tempfile::tempdir().unwrap();
    let inherited = inherited(&[
        ("PATH", "/usr/bin:/bin"),
        ("HOME", home.path().to_str().unwrap()),
    ]);
    let places = [
        "$AZURE_CONFIG_DIR",
        "$AZD_CONFIG_DIR",
        "$AZCRED_HOME",
        "$HOME/.azure",
        "$HOME/.Azure",
        "$HOME/.IdentityService",
    ];
    let script = |what: &str| -> String {
        let each =
            |place| format!("mkdir -p \"{place}\"; {what} \"{place}/signed-in\" 2>/dev/null; ");
        places.map(each).concat()
    };
    let said_by = |info: &Info, persona, way, script: &str| {
        let isolated = info.isolated(persona, way, &inherited).unwrap();
        let said = run(&isolated, &inherited, script);
        isolated.end();
        said
    };
    let info = lab.emulator.info();
    said_by(
        info,
        Persona::NoAccount,
        Way::RealNames,
        &script("echo ada >"),
    );
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let said = said_by(info, *persona, *way, &script("cat"));
            let is_same = (*persona, *way) == (Persona::NoAccount, Way::RealNames);
            assert_eq!(
                said.matches("ada").count(),
                if is_same { 6 } else { 0 },
                "{name}"
            );
        }
    }
    let other = Lab::start().await;
    let said = said_by(
        other.emulator.info(),
        Persona::NoAccount,
        Way::RealNames,
        &script("cat"),
    );
    assert_eq!(said, "", "another emulator");
}

#[tokio::test]
async fn a_state_folder_with_other_keys_begins_without_sign_ins() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let home_of = |emulator: &Emulator| {
        let isolated = emulator
            .info()
            .isolated(Persona::NoAccount, Way::Ports, &inherited(&[]));
        isolated.unwrap().set["AZCRED_HOME"].clone()
    };
    let first = Emulator::start(options()).await.unwrap();
    let signed_in = home_of(&first);
    first.shutdown().await;
    let again = Emulator::start(options()).await.unwrap();
    assert_eq!(home_of(&again), signed_in);
    again.shutdown().await;
    std::fs::remove_file(folder.path().join("entra-key.pem")).unwrap();
    let other = Emulator::start(options()).await.unwrap();
    assert_ne!(home_of(&other), signed_in);
    other.shutdown().await;
}

#[tokio::test]
async fn a_programs_own_files_are_the_users() {
    let lab = Lab::start().await;
    let home = tempfile::tempdir().unwrap();
    put(&home.path().join(".cache/pip/wheel"), "cached");
    put(&home.path().join(".condarc"), "channels");
    put(&home.path().join(".azureml/settings"), "mine");
    put(&home.path().join(".history"), "old");
    put(&home.path().join(".profile"), "profile");
    let (inherited, isolated) = without_account(&lab, home.path());
    let script = "cat ~/.cache/pip/wheel ~/.condarc ~/.azureml/settings; \
        echo more > ~/.cache/pip/other; \
        mkdir -p ~/models/deep ~/.kube; echo weights > ~/models/deep/model; echo clusters > ~/.kube/config; \
        mkdir -p ~/.local/share/tool; echo tool > ~/.local/share/tool/data; \
        echo new > ~/.tmp && mv ~/.tmp ~/.history; ln -s models ~/link";
    assert_eq!(run(&isolated, &inherited, script), "cachedchannelsmine");
    let its = isolated.set["HOME"].clone();
    assert!(its.starts_with(lab.emulator.info().state_dir.to_str().unwrap()));
    isolated.end();
    let after = files(home.path());
    for (file, content) in [
        (".cache/pip/other", "more\n"),
        ("models/deep/model", "weights\n"),
        (".kube/config", "clusters\n"),
        (".local/share/tool/data", "tool\n"),
        (".history", "new\n"),
        (".profile", "profile"),
    ] {
        assert_eq!(
            after.get(file).map(String::as_str),
            Some(content),
            "{file}: {after:?}"
        );
    }
    assert_eq!(
        std::fs::read_link(home.path().join("link")).unwrap(),
        Path::new("models")
    );
    assert!(!Path::new(&its).exists());
}

#[tokio::test]
async fn a_program_inside_another_has_links_to_the_users_own_files() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let home = tempfile::tempdir().unwrap();
    put(&home.path().join(".condarc"), "channels");
    let mut given = inherited(&[("HOME", home.path().to_str().unwrap())]);
    given.lifetime = Lifetime::Shell;
    for persona in [Persona::NoAccount, Persona::Himl, Persona::NoAccount] {
        let isolated = info.isolated(persona, Way::RealNames, &given).unwrap();
        let its = Path::new(&isolated.set["HOME"]).join(".condarc");
        assert_eq!(
            std::fs::read_link(its).unwrap(),
            home.path().join(".condarc")
        );
        let variables = isolated.set.iter();
        given
            .variables
            .extend(variables.map(|(n, v)| (n.into(), v.into())));
    }
}

#[tokio::test]
async fn what_a_killed_program_created_is_brought_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let inherited = inherited(&[("HOME", home.path().to_str().unwrap())]);
    let emulator = Emulator::start(options()).await.unwrap();
    let start = || {
        emulator
            .info()
            .isolated(Persona::Himl, Way::Ports, &inherited)
            .unwrap()
    };
    let (killed, running) = (start(), start());
    let (its, others) = (killed.set["HOME"].clone(), running.set["HOME"].clone());
    put(&Path::new(&its).join("made"), "made");
    // Its lock ends with it; its folder stays.
    drop(killed);
    emulator.shutdown().await;
    let emulator = Emulator::start(options()).await.unwrap();
    assert_eq!(files(home.path())["made"], "made");
    assert!(!Path::new(&its).exists() && Path::new(&others).exists());
    emulator.shutdown().await;
}

#[tokio::test]
async fn the_users_home_stays_if_that_is_wanted() {
    let lab = Lab::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut given = inherited(&[("HOME", home.path().to_str().unwrap())]);
    given.keeps_home = true;
    let info = lab.emulator.info();
    let isolated = info
        .isolated(Persona::NoAccount, Way::Ports, &given)
        .unwrap();
    assert!(!isolated.set.contains_key("HOME") && !isolated.unset.contains("HOME"));
    assert!(isolated.set.contains_key("AZURE_CONFIG_DIR"));
}
