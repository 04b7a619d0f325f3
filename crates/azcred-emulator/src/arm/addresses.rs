//! Addresses of services in a response, for a client that came by a port.
//!
//! Azure's real names would lead such a client out of the emulator.

use crate::service::{Service, Urls, by_host};
use serde_json::Value;

/// Replaces the addresses of Azure Machine Learning's services and of storage accounts, at the
/// beginning of a text, by those of the emulator's ports.
pub(super) fn to_ports(urls: &Urls, body: &mut Value) {
    match body {
        Value::String(text) => {
            if let Some(replaced) = to_port(urls, text) {
                *text = replaced;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| to_ports(urls, one)),
        Value::Object(all) => all.values_mut().for_each(|one| to_ports(urls, one)),
        _ => {}
    }
}

fn to_port(urls: &Urls, text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (service, _) = by_host(host)?;
    let base = match service {
        // Pages for people.
        Service::Ml if host.starts_with("ml.azure.") => return None,
        Service::Ml if ["https", "azureml"].contains(&scheme) => urls.ml.clone(),
        Service::Blob if scheme == "https" && !urls.blob.is_empty() => {
            let account = host.split('.').next()?;
            format!("{}/{account}", urls.blob)
        }
        _ => return None,
    };
    let (_, base) = base.split_once("://")?;
    Some(format!("{scheme}://{base}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_addresses_of_ml_and_blobs_lead_to_ports() {
        let urls = Urls {
            ml: "https://localhost:1".into(),
            blob: "https://localhost:2".into(),
            ..Urls::default()
        };
        let mut body = json!({
            "a": ["https://westeurope.api.azureml.ms/discovery"],
            "b": {"c": "azureml://westeurope.api.azureml.ms/mlflow/v1.0/x"},
            "d": "https://store.blob.core.windows.net/",
            "e": "https://management.azure.com/x",
            "f": "see https://store.blob.core.windows.net/",
            "g": "http://store.blob.core.windows.net/",
            "h": "https://westeurope.api.azureml.ms",
            "i": "https://ml.azure.com/runs/x",
        });
        let unbound = body.clone();
        to_ports(&urls, &mut body);
        let expected = json!({
            "a": ["https://localhost:1/discovery"],
            "b": {"c": "azureml://localhost:1/mlflow/v1.0/x"},
            "d": "https://localhost:2/store/",
            "e": "https://management.azure.com/x",
            "f": "see https://store.blob.core.windows.net/",
            "g": "http://store.blob.core.windows.net/",
            "h": "https://localhost:1",
            "i": "https://ml.azure.com/runs/x",
        });
        assert_eq!(body, expected);
        let mut body = unbound.clone();
        to_ports(&Urls::default(), &mut body);
        assert_eq!(body, unbound);
    }
}
