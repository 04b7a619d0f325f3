//! `az --help`.

use super::real;
use azcred::shown_path;

const TEXT: &str = "\
This az is azcred's stand-in for Azure CLI. It answers the commands with which
programs get their tokens, as the account that azcred finds here:

  az account get-access-token  print a token: --resource, --scope,
                               --resource-type, --tenant, --subscription
  az account show              show the default subscription, or one
  az account list              list the subscriptions: --all, --refresh
  az account set               choose the default subscription
  az version                   show the version

Each takes --output json, jsonc, yaml, yamlc, table, tsv or none, and --query
with a JMESPath expression. `azcred whoami` shows the account.

";

/// What the stand-in is, and where the other commands go.
pub(super) fn text() -> String {
    let other = match real::next() {
        Some(az) => format!(
            "All other commands go to Azure CLI:\n  {}\nThey need azcred's account to be Azure CLI's own, or `azcred exec`.\n",
            shown_path(&az)
        ),
        None => {
            "All other commands need Azure CLI (https://aka.ms/azure-cli), which is not on\nPATH.\n"
                .to_owned()
        }
    };
    format!("{TEXT}{other}")
}
