//! The state folder: its content, its privacy, and two emulators at once.

use crate::common::Lab;
use azcred_emulator::{Emulator, Error, Info, Options, Persona, Seed, StateError, WAYS, Way};

fn options(folder: &std::path::Path) -> Options {
    Options {
        state_dir: Some(folder.to_owned()),
        ..Options::default()
    }
}

async fn damaged(folder: &std::path::Path, file: &str) -> String {
    match Emulator::start(options(folder)).await {
        Err(Error::State(error @ StateError::Damaged { .. })) => error.to_string(),
        other => panic!("{file}: {other:?}"),
    }
}

#[tokio::test]
async fn a_state_folder_keeps_keys_and_secrets_and_shows_its_running_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let first = Lab::with(options(folder.path())).await;
    let before = first.emulator.info().clone();
    let found = Info::load(folder.path()).unwrap().unwrap();
    assert_eq!(found, before);
    let alive = tokio::task::spawn_blocking(move || found.is_alive());
    assert!(alive.await.unwrap());
    first.emulator.shutdown().await;
    assert!(Info::load(folder.path()).unwrap().is_none());
    assert!(
        !tokio::task::spawn_blocking({
            let before = before.clone();
            move || before.is_alive()
        })
        .await
        .unwrap()
    );

    let second = Lab::with(options(folder.path())).await;
    let after = second.emulator.info();
    assert_eq!(after.identities, before.identities);
    assert_ne!(after.admin_token, before.admin_token);
    assert_eq!(second.request_token_as("azcred-demo").await.status, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn everything_in_the_folder_is_private_and_an_open_folder_is_rejected() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/state");
    let emulator = Emulator::start(options(&path)).await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    // The folder above it is not the emulator's own. The process's umask counts.
    let usual = folder.path().join("usual");
    std::fs::create_dir(&usual).unwrap();
    assert_eq!(mode(path.parent().unwrap()), mode(&usual) & 0o755);
    // What was created has secrets too.
    emulator.world().keep().unwrap();
    let mut folders = vec![path.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap().path();
            let wanted = if entry.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&entry), wanted, "{}", entry.display());
            if entry.is_dir() {
                folders.push(entry);
            }
        }
    }
    let ephemeral = Emulator::start(Options::default()).await.unwrap();
    assert_eq!(mode(&ephemeral.info().state_dir), 0o700);
    emulator.shutdown().await;
    // The emulator's own folder is made private again. Another folder is not changed.
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    open(&path);
    Emulator::start(options(&path))
        .await
        .unwrap()
        .shutdown()
        .await;
    assert_eq!(mode(&path), 0o700);
    let strangers = folder.path().join("new");
    open(&strangers);
    let error = Emulator::start(options(&strangers))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("chmod 700"), "{error}");
    assert_eq!(mode(&strangers), 0o755);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_whose_path_is_not_utf_8_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let odd: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"st\xe9".into());
    let path = folder.path().join(odd);
    if std::fs::create_dir(&path).is_err() {
        eprintln!("skipped: this file system takes UTF-8 names only");
        return;
    }
    let error = Emulator::start(options(&path)).await.unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[tokio::test]
async fn two_emulators_started_at_once_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = tokio::join!(
        Emulator::start(options(folder.path())),
        Emulator::start(options(folder.path()))
    );
    let (running, refused) = match (one, two) {
        (Ok(running), Err(refused)) | (Err(refused), Ok(running)) => (running, refused),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(refused, Error::State(StateError::Running { .. })),
        "{refused}"
    );
    assert_eq!(
        Info::load(folder.path()).unwrap().as_ref(),
        Some(running.info())
    );
}

#[tokio::test]
async fn a_damaged_file_is_named_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    Emulator::start(options(folder.path()))
        .await
        .unwrap()
        .shutdown()
        .await;
    for file in [
        "ca.pem",
        "ca-key.pem",
        "entra-key.pem",
        "issuer-key.pem",
        "secrets.json",
    ] {
        let path = folder.path().join(file);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, "{ \"hunter2").unwrap();
        let error = damaged(folder.path(), file).await;
        let stem = file.trim_end_matches(".pem");
        assert!(
            error.contains(stem) && error.contains("damaged"),
            "{file}: {error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"{ \"hunter2");
        std::fs::write(&path, good).unwrap();
    }
    std::fs::remove_file(folder.path().join("ca-key.pem")).unwrap();
    assert!(
        damaged(folder.path(), "ca-key.pem")
            .await
            .contains("missing")
    );
}

#[tokio::test]
async fn a_damaged_or_stale_emulator_json_is_an_error_or_not_alive() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(options(folder.path())).await.unwrap();
    let mut info = emulator.info().clone();
    emulator.shutdown().await;
    let path = folder.path().join(azcred_emulator::FILE_NAME);
    std::fs::write(&path, "{\"admin_token\": \"hunter2\"").unwrap();
    let error = Info::load(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("damaged") && !error.contains("hunter2"),
        "{error}"
    );
    info.admin_url = "http://127.0.0.1:1".into();
    std::fs::write(&path, serde_json::to_vec(&info).unwrap()).unwrap();
    let stale = Info::load(folder.path()).unwrap().unwrap();
    assert!(
        !tokio::task::spawn_blocking(move || stale.is_alive())
            .await
            .unwrap()
    );
    // A stale file does not prevent the next start.
    Emulator::start(options(folder.path()))
        .await
        .unwrap()
        .shutdown()
        .await;
}

#[tokio::test]
async fn created_resources_belong_to_their_seed() {
    let folder = tempfile::tempdir().unwrap();
    let subscription = uuid::Uuid::from_u128(7);
    let emulator = Emulator::start(options(folder.path())).await.unwrap();
    let group = azcred_emulator::resources::Subscription {
        id: subscription,
        tenant: emulator.info().tenant.id,
        name: "made at run time".into(),
        state: azcred_emulator::resources::SubscriptionState::Enabled,
        management_group: None,
        managed_by_tenants: Vec::new(),
        tags: std::collections::BTreeMap::new(),
    };
    emulator.world().resources_mut().put_subscription(group);
    emulator.world().keep().unwrap();
    emulator.shutdown().await;
    let again = Emulator::start(options(folder.path())).await.unwrap();
    assert!(
        again
            .world()
            .resources()
            .subscription(subscription)
            .is_some()
    );
    again.shutdown().await;
    let text = "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n";
    let seed = Seed::Text {
        name: "other".into(),
        text: text.into(),
    };
    let other = Emulator::start(Options {
        seed,
        ..options(folder.path())
    })
    .await
    .unwrap();
    assert!(
        other
            .world()
            .resources()
            .subscription(subscription)
            .is_none()
    );
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut options = Options::default();
    options.ports.arm = port;
    let error = Emulator::start(options).await.unwrap_err().to_string();
    assert!(
        error.contains(&port.to_string()) && error.contains("ARM"),
        "{error}"
    );
}

#[tokio::test]
async fn an_ephemeral_folder_is_deleted_with_its_emulator() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let folder = emulator.info().state_dir.clone();
    assert!(folder.exists());
    emulator.shutdown().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn each_persona_has_its_own_variables_and_none_of_the_others() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    for (_, way) in WAYS {
        for (persona, id, password) in [
            (
                Persona::ServicePrincipal,
                "AZURE_CLIENT_ID",
                Some("AZURE_CLIENT_SECRET"),
            ),
            (
                Persona::Himl,
                "HIML_SERVICE_PRINCIPAL_ID",
                Some("HIML_SERVICE_PRINCIPAL_PASSWORD"),
            ),
            (Persona::Certificate, "AZURE_CLIENT_CERTIFICATE_PATH", None),
            (Persona::NoAccount, "", None),
        ] {
            let environment = info.environment(persona, *way);
            let value = |name: &str| {
                environment
                    .set
                    .iter()
                    .find(|(n, _)| n == name)
                    .map(|(_, value)| value.clone())
            };
            assert_eq!(value(id).is_some(), !id.is_empty(), "{persona:?}");
            if let Some(password) = password {
                assert_eq!(value(password).as_ref(), Some(&secret));
            }
            assert!(std::path::Path::new(&value("SSL_CERT_FILE").unwrap()).exists());
            assert_eq!(
                value("AZUREML_ARM_WORKSPACE_NAME").unwrap(),
                "ws-contoso-ml"
            );
            let by_port = value("AZURE_AUTHORITY_HOST") == Some(info.login_url.clone());
            let by_name = value("HTTPS_PROXY") == Some(info.proxy_url.clone());
            assert_eq!(
                (by_port, by_name),
                (*way == Way::Ports, *way == Way::RealNames)
            );
            let shown = format!("{environment:?} {info:?}");
            assert!(!shown.contains(&secret) && !shown.contains(&info.admin_token));
        }
    }
}

#[tokio::test]
#[cfg(unix)]
async fn another_users_folder_is_rejected_even_for_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs");
    std::fs::create_dir(&path).unwrap();
    // Only root can change a folder's owner, and only root could open such a folder.
    if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
        return;
    }
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let error = azcred_emulator::Emulator::start(azcred_emulator::Options {
        state_dir: Some(path),
        ..azcred_emulator::Options::default()
    })
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains("belongs to another user"),
        "{error}"
    );
}

#[tokio::test]
async fn a_temporary_folder_is_deleted_at_shutdown_even_if_the_content_is_still_used() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let folder = emulator.info().state_dir.clone();
    // Like a connection that is still open.
    let _world = emulator.world().clone();
    assert!(folder.is_dir());
    emulator.shutdown().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn an_authority_that_could_vouch_for_more_than_servers_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let old = params.self_signed(&key).unwrap().pem();
    let file = |name: &str| folder.path().join("state").join(name);
    let options = || Options {
        state_dir: Some(folder.path().join("state")),
        ..Options::default()
    };
    Emulator::start(options()).await.unwrap().shutdown().await;
    std::fs::write(file("ca.pem"), &old).unwrap();
    std::fs::write(file("ca-key.pem"), key.serialize_pem()).unwrap();
    let lab = Lab::with(options()).await;
    let new = std::fs::read_to_string(file("ca.pem")).unwrap();
    assert_ne!(new, old);
    let url = format!(
        "{}/metadata/endpoints?api-version=2019-05-01",
        lab.emulator.info().arm_url
    );
    assert_eq!(lab.client.get(url).send().await.unwrap().status(), 200);
    lab.emulator.shutdown().await;
    // It stays from then on.
    Emulator::start(options()).await.unwrap().shutdown().await;
    assert_eq!(std::fs::read_to_string(file("ca.pem")).unwrap(), new);
}
