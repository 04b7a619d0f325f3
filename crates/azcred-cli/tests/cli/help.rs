//! The help of every command.

use crate::run::{assert_seen, azcred};

macro_rules! help_of {
    ($($(#[$gate:meta])? $test:ident, $name:literal, [$($argument:literal),*];)*) => {$(
        $(#[$gate])?
        #[test]
        fn $test() {
            let said = azcred(&[$($argument,)* "--help"]).said();
            assert_eq!(said.code, 0, "{said}");
            assert_seen!($name, said);
        }
    )*};
}

help_of! {
    #[cfg(feature = "emulator")]
    the_help_lists_the_commands_and_the_exit_codes, "help", [];
    the_help_of_token_says_where_it_looks, "help-token", ["token"];
    the_help_of_whoami_says_that_nothing_is_verified, "help-whoami", ["whoami"];
    the_help_of_chain_says_what_its_exit_code_is, "help-chain", ["chain"];
    the_help_of_doctor_says_where_the_workspace_comes_from, "help-doctor", ["doctor"];
    the_help_of_exec_says_what_its_program_gets, "help-exec", ["exec"];
    the_help_of_serve_says_how_programs_find_it, "help-serve", ["serve"];
    the_help_of_serve_env_has_a_line_for_each_shell, "help-serve-env", ["serve", "env"];
    the_help_of_login_says_that_no_secret_is_on_the_command_line, "help-login", ["login"];
    the_help_of_logout_says_what_stays_good, "help-logout", ["logout"];
    the_help_of_account_says_who_the_current_one_is, "help-account", ["account"];
    the_help_of_account_list_is_there, "help-account-list", ["account", "list"];
    the_help_of_account_use_says_whom_it_takes, "help-account-use", ["account", "use"];
    the_help_of_install_az_says_what_it_changes, "help-install-az", ["install-az"];
    the_help_of_cache_says_why_there_is_one, "help-cache", ["cache"];
    the_help_of_cache_list_says_that_no_token_is_shown, "help-cache-list", ["cache", "list"];
    the_help_of_cache_clear_says_who_stays_signed_in, "help-cache-clear", ["cache", "clear"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_lists_its_commands, "help-emulator", ["emulator"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_start_names_the_services, "help-emulator-start", ["emulator", "start"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_env_has_a_line_for_each_shell, "help-emulator-env", ["emulator", "env"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_exec_says_what_becomes_of_the_exit_code, "help-emulator-exec", ["emulator", "exec"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_jobs_lists_its_commands, "help-emulator-jobs", ["emulator", "jobs"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_jobs_fail_names_the_next_job, "help-emulator-jobs-fail", ["emulator", "jobs", "fail"];
    #[cfg(feature = "emulator")]
    the_help_of_emulator_seed_says_how_to_use_it, "help-emulator-seed", ["emulator", "seed"];
    #[cfg(feature = "emulator")]
    the_help_of_demo_says_that_it_needs_nothing, "help-demo", ["demo"];
    the_help_of_workspace_lists_its_commands, "help-workspace", ["workspace"];
    the_help_of_workspace_list_says_where_it_looks, "help-workspace-list", ["workspace", "list"];
    the_help_of_workspace_show_says_which_is_meant, "help-workspace-show", ["workspace", "show"];
    the_help_of_workspace_use_says_what_is_left_as_it_is, "help-workspace-use", ["workspace", "use"];
    the_help_of_subscription_lists_its_commands, "help-subscription", ["subscription"];
    the_help_of_subscription_list_is_there, "help-subscription-list", ["subscription", "list"];
    the_help_of_tenant_says_that_a_domain_needs_no_sign_in, "help-tenant", ["tenant"];
    the_help_of_sp_says_which_applications_it_changes, "help-sp", ["sp"];
    the_help_of_ci_says_what_a_workflow_does, "help-ci", ["ci"];
    the_help_of_ci_github_says_what_is_checked, "help-ci-github", ["ci", "github"];
    the_help_of_ci_azure_pipelines_says_what_it_needs, "help-ci-azure-pipelines", ["ci", "azure-pipelines"];
    the_help_of_sp_federate_says_whom_an_application_may_trust, "help-sp-federate", ["sp", "federate"];
    the_help_of_sp_rotate_says_when_the_old_secret_goes, "help-sp-rotate", ["sp", "rotate"];
    the_help_of_sp_delete_says_what_goes, "help-sp-delete", ["sp", "delete"];
    the_help_of_sp_create_says_what_it_makes, "help-sp-create", ["sp", "create"];
    the_help_of_sp_list_says_which_applications_it_lists, "help-sp-list", ["sp", "list"];
    the_help_of_sp_show_says_what_it_shows, "help-sp-show", ["sp", "show"];
    the_help_of_sp_expiring_has_its_exit_codes, "help-sp-expiring", ["sp", "expiring"];
    the_help_of_completions_says_where_scripts_go, "help-completions", ["completions"];
}

#[test]
#[cfg(not(feature = "emulator"))]
fn a_build_without_the_emulator_has_neither_its_command_nor_the_demo() {
    let help = azcred(&["--help"]).said();
    assert_eq!(help.code, 0, "{help}");
    for command in ["emulator", "demo"] {
        assert!(!help.stdout.contains(command), "{help}");
        assert_eq!(azcred(&[command]).said().code, 2, "{command}");
    }
}

#[test]
fn without_a_command_the_help_is_shown_and_the_usage_was_wrong() {
    let said = azcred(&[]).said();
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("azcred login"), "{said}");
    // One screen; the rest is in `azcred --help`.
    assert!(said.stderr.lines().count() <= 30, "{said}");
}

#[test]
fn the_version_shows_nothing_of_the_machine_that_built_it() {
    let said = azcred(&["--version"]).said();
    let version = said.stdout.strip_suffix('\n').unwrap_or_default();
    let number = concat!("azcred ", env!("CARGO_PKG_VERSION"));
    // The commit, where the source is a checkout.
    let commit = version.strip_prefix(number).expect("the number");
    let is_commit = |text: &str| text.len() == 9 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let commit = commit
        .strip_prefix(" (")
        .and_then(|rest| rest.strip_suffix(')'));
    assert!(version == number || commit.is_some_and(is_commit), "{said}");
}
