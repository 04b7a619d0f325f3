//! A program in the emulator on a user's machine: it finds neither the user's sign-ins nor the
//! machine's, and leaves none there.

use crate::common::Lab;
use azcred_emulator::{
    Emulator, Info, Inherited, Isolated, Lifetime, Options, PERSONAS, Persona, WAYS, Way,
};
use std::{collections::BTreeMap, ffi::OsString, path::Path, process::Command};

fn inherited(variables: &[(&str, &str)]) -> Inherited {
    let all = variables.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    Inherited {
        variables: all.collect::<BTreeMap<OsString, OsString>>(),
        keeps_home: false,
        lifetime: Lifetime::Program,
    }
}

/// A value that no program in the emulator may get.
const REAL: &str = "of-the-real-azure";

/// A variable of each tool that carries an identity or a route.
const USERS: &[&str] = &[
    "ARM_CLIENT_SECRET",
    "ARM_OIDC_REQUEST_TOKEN",
    "AZD_AUTH_KEY",
    "AZURE_AUTH_LOCATION",
    "AZUREML_RUN_TOKEN",
    "MLFLOW_TRACKING_TOKEN",
    "AZURE_STORAGE_KEY",
    "AZCOPY_SPA_CLIENT_SECRET",
    "AZURE_ACCESS_TOKEN",
    "servicePrincipalKey",
    "idToken",
    "AZURE_CLOUD_NAME",
    "AZURE_CORE_ENCRYPT_TOKEN_CACHE",
    "ACC_CLOUD",
    "AZURE_DEFAULTS_GROUP",
    "ACTIONS_RUNTIME_TOKEN",
    "SYSTEM_JOBID",
    "HTTP_PROXY",
    "all_proxy",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZCRED_IMDS",
    "DBUS_SESSION_BUS_ADDRESS",
    "AZURE_CONFIG_DIR",
    "AZD_CONFIG_DIR",
    "AZCRED_HOME",
];

#[tokio::test]
async fn no_persona_gets_a_variable_of_another_identity_or_route() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let home = tempfile::tempdir().unwrap();
    let mut variables: Vec<_> = USERS.iter().map(|name| (*name, REAL)).collect();
    variables.extend([
        ("HOME", home.path().to_str().unwrap()),
        ("AZCRED_LOG", "debug"),
        ("AZURE_SUBSCRIPTION_ID", "kept"),
    ]);
    let inherited = inherited(&variables);
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let isolated = info.isolated(*persona, *way, &inherited).unwrap();
            for user in USERS {
                let given = isolated.set.get(*user);
                assert_ne!(given.map(String::as_str), Some(REAL), "{name}: {user}");
                assert!(
                    given.is_some() != isolated.unset.contains(*user),
                    "{name}: {user} is left as it was, or both set and removed"
                );
            }
            for kept in ["AZCRED_LOG", "AZURE_SUBSCRIPTION_ID"] {
                let changed = isolated.set.contains_key(kept) || isolated.unset.contains(kept);
                assert!(!changed, "{name}: {kept}");
            }
            isolated.end();
        }
    }
}

#[tokio::test]
async fn no_persona_inherits_what_another_one_sets() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let set_by = |persona, way| info.isolated(persona, way, &inherited(&[])).unwrap().set;
    let all: Vec<String> = PERSONAS
        .iter()
        .flat_map(|(_, persona)| WAYS.iter().flat_map(|(_, way)| set_by(*persona, *way)))
        .map(|(name, _)| name)
        .collect();
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let isolated = info.isolated(*persona, *way, &inherited(&[])).unwrap();
            for other in &all {
                let is_set = isolated.set.contains_key(other);
                assert!(is_set != isolated.unset.contains(other), "{name}: {other}");
            }
            assert!(isolated.set.values().all(|value| !value.is_empty()));
            let names = isolated.set.keys().chain(&isolated.unset);
            for name in names {
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_a_shell_could_read_as_a_command_is_not_printed() {
    let lab = Lab::start().await;
    let hostile = inherited(&[("AZURE_X;touch gone", REAL), ("AZURE_$(id)", REAL)]);
    let isolated = lab
        .emulator
        .info()
        .isolated(Persona::NoAccount, Way::Ports, &hostile)
        .unwrap();
    assert!(isolated.unset.iter().all(|name| !name.contains([';', '$'])));
}

/// Only a virtual machine has a metadata service.
#[tokio::test]
async fn every_persona_without_a_host_has_addresses_without_an_identity() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    for (name, persona) in PERSONAS {
        for (_, way) in WAYS {
            let set = info.isolated(*persona, *way, &inherited(&[])).unwrap().set;
            let imds = set["AZURE_POD_IDENTITY_AUTHORITY_HOST"].as_str();
            assert_eq!(imds == info.proxy_url, *persona != Persona::Vm, "{name}");
            let never = set.get("AZCRED_IMDS").map(String::as_str) == Some("never");
            assert_eq!(never, *persona != Persona::Vm, "{name}");
            // Libraries that have the address built in use this proxy for it.
            for proxy in ["HTTP_PROXY", "http_proxy"] {
                assert_eq!(set[proxy], info.proxy_url, "{name}");
            }
            assert!(!set["NO_PROXY"].contains("169.254"), "{name}");
        }
    }
}

#[tokio::test]
async fn a_request_for_a_token_of_the_machine_is_told_at_once_that_there_is_no_identity() {
    let lab = Lab::start().await;
    let proxy = &lab.emulator.info().proxy_url;
    let path =
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net";
    let direct = reqwest::Client::builder().no_proxy().build().unwrap();
    let through = reqwest::Client::builder()
        .proxy(reqwest::Proxy::http(proxy).unwrap())
        .build()
        .unwrap();
    for (client, url) in [
        (direct, format!("{proxy}{path}")),
        (through, format!("http://169.254.169.254{path}")),
    ] {
        let response = client
            .get(url)
            .header("Metadata", "true")
            .send()
            .await
            .unwrap();
        // 400: no library repeats the request, and each takes it for 'no identity here'.
        assert_eq!(response.status(), 400);
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(body["error_description"], "Identity not found");
        assert_eq!(body["error"], "invalid_request");
    }
    let served = lab.emulator.requests().all();
    assert!(
        served
            .iter()
            .all(|one| one.service == "proxy" && one.status == Some(400))
    );
    assert_eq!(served.len(), 2);
}

/// Where tools keep sign-ins below a user's home folder.
#[cfg(unix)]
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

#[cfg(unix)]
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
#[cfg(unix)]
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

#[cfg(unix)]
fn put(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Reads and writes at each place below `$1`.
#[cfg(unix)]
fn at_each_place() -> String {
    let each = |place: &&str| {
        format!(
            "cat \"$HOME/{place}/planted\" 2>/dev/null; mkdir -p \"$HOME/{place}\"; echo emulated > \"$HOME/{place}/planted\"; "
        )
    };
    PLACES.iter().map(each).collect()
}

#[tokio::test]
#[cfg(unix)]
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

#[tokio::test]
#[cfg(unix)]
async fn a_place_that_the_user_does_not_have_is_not_made() {
    let lab = Lab::start().await;
    let home = tempfile::tempdir().unwrap();
    let inherited = inherited(&[
        ("PATH", "/usr/bin:/bin"),
        ("HOME", home.path().to_str().unwrap()),
    ]);
    let isolated = lab
        .emulator
        .info()
        .isolated(Persona::NoAccount, Way::RealNames, &inherited)
        .unwrap();
    run(&isolated, &inherited, &at_each_place());
    isolated.end();
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
#[cfg(unix)]
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
#[cfg(unix)]
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
#[cfg(unix)]
async fn a_programs_own_files_are_the_users() {
    let lab = Lab::start().await;
    let home = tempfile::tempdir().unwrap();
    put(&home.path().join(".cache/pip/wheel"), "cached");
    put(&home.path().join(".condarc"), "channels");
    put(&home.path().join(".azureml/settings"), "mine");
    put(&home.path().join(".history"), "old");
    put(&home.path().join(".profile"), "profile");
    let inherited = inherited(&[
        ("PATH", "/usr/bin:/bin"),
        ("HOME", home.path().to_str().unwrap()),
    ]);
    let isolated = lab
        .emulator
        .info()
        .isolated(Persona::NoAccount, Way::RealNames, &inherited)
        .unwrap();
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
#[cfg(unix)]
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
#[cfg(unix)]
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
#[cfg(unix)]
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

#[tokio::test]
async fn azure_clis_extensions_are_the_users() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cli");
    std::fs::create_dir_all(folder.join("cliextensions")).unwrap();
    let given = inherited(&[("AZURE_CONFIG_DIR", folder.to_str().unwrap())]);
    let set = info
        .isolated(Persona::NoAccount, Way::Ports, &given)
        .unwrap()
        .set;
    assert_eq!(
        Path::new(&set["AZURE_EXTENSION_DIR"]),
        folder.join("cliextensions")
    );
    assert_ne!(Path::new(&set["AZURE_CONFIG_DIR"]), folder);
}
