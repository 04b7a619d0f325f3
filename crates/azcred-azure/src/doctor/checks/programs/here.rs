//! Which programs are used on this machine, and which of their sources certainly have nothing.

use super::Program;
use azcred::{
    chain::Source,
    system::{System, home, path},
};
use std::path::{Path, PathBuf};

/// What was found by looking at files only.
pub(super) struct Here {
    in_use: Vec<Program>,
    /// Tools that have their own account here.
    may_use: Vec<Program>,
    /// Sources that have nothing here. To try them would start a program, or wait for a host.
    pub(super) without: Vec<Source>,
}

impl Here {
    /// Looks at variables and files. It blocks.
    pub(super) fn look(system: &dyn System) -> Self {
        let packages = site_packages(system);
        let has = |package: &str| {
            let mut packages = packages.iter();
            packages.any(|folder| {
                system
                    .look(&folder.join(package).join("__init__.py"))
                    .is_ok()
            })
        };
        let himl = ["HIML_SERVICE_PRINCIPAL_ID", "HIML_TENANT_ID"];
        let is_used = [
            (
                Program::Kedro,
                has("kedro_azureml_pipeline") || has("kedro_azureml"),
            ),
            (
                Program::HiMl,
                has("health_azure") || himl.iter().any(|name| system.var(name).is_some()),
            ),
            (Program::MlClient, has("azure/ai/ml")),
            (Program::Terraform, is_terraform(system)),
        ];
        let used = is_used.into_iter().filter(|(_, is_used)| *is_used);
        let has_az =
            system.var("AZURE_CONFIG_DIR").is_some() || system.find_program("az").is_some();
        let own = [
            (Program::AzureCli, has_az),
            (Program::Terraform, system.var("ARM_CLIENT_ID").is_some()),
        ];
        let own = own.into_iter().filter(|(_, has_own)| *has_own);
        Self {
            may_use: own.map(|(program, _)| program).collect(),
            in_use: used.map(|(program, _)| program).collect(),
            without: without(system),
        }
    }

    /// Whether a program is used here. A tool may have another account on purpose, unless variables
    /// say in the same shell which account is meant (`is_meant`).
    pub(super) fn uses(&self, program: Program, is_meant: bool) -> bool {
        self.in_use.contains(&program) || is_meant && self.may_use.contains(&program)
    }
}

/// The folders of packages of the Python that is first on `PATH`: the active environment's.
fn site_packages(system: &dyn System) -> Vec<PathBuf> {
    let python = ["python3", "python"].into_iter();
    let Some(python) = python.filter_map(|name| system.find_program(name)).next() else {
        return Vec::new();
    };
    let folder = python.parent().unwrap_or(Path::new(""));
    if system.os() == "windows" {
        // Of an environment, the program is in the folder Scripts; else it is beside Lib.
        let above = folder.parent().unwrap_or(folder);
        return [folder, above]
            .map(|folder| folder.join("Lib").join("site-packages"))
            .into();
    }
    let lib = folder.parent().unwrap_or(folder).join("lib");
    let names = system.list(&lib).unwrap_or_default().into_iter();
    names
        .filter(|name| {
            name.to_str()
                .is_some_and(|name| name.starts_with("python3"))
        })
        .map(|name| lib.join(name).join("site-packages"))
        .collect()
}

/// Whether Terraform or OpenTofu is installed, and this folder has something for it.
fn is_terraform(system: &dyn System) -> bool {
    let mut programs = ["terraform", "tofu"].into_iter();
    if !programs.any(|name| system.find_program(name).is_some()) {
        return false;
    }
    let here = system.current_folder();
    let names = here.and_then(|folder| system.list(&folder).ok());
    let mut names = names.unwrap_or_default().into_iter();
    names.any(|name| Path::new(&name).extension().is_some_and(|end| end == "tf"))
}

fn without(system: &dyn System) -> Vec<Source> {
    let home = home(system);
    let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
    let is_there = |file: Option<PathBuf>| file.is_some_and(|file| system.look(&file).is_ok());
    let azure = path(system, "AZURE_CONFIG_DIR").or_else(|| in_home(".azure"));
    let azd = path(system, "AZD_CONFIG_DIR").or_else(|| in_home(".azd"));
    let accounts = [
        (
            Source::AzureCli,
            azure.map(|folder| folder.join("azureProfile.json")),
        ),
        // 'Azure PowerShell context objects': the saved contexts.
        (
            Source::AzurePowerShell,
            in_home(".Azure/AzureRmContext.json"),
        ),
        (
            Source::AzureDeveloperCli,
            azd.map(|folder| folder.join("auth.json")),
        ),
    ];
    let absent = accounts
        .into_iter()
        .filter(|(_, file)| !is_there(file.clone()));
    absent.map(|(source, _)| source).collect()
}
