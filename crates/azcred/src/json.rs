//! JSON from other programs and services.

use serde::Deserialize;

/// Parses a whole JSON object, with nothing after it. Serde would also accept a list of the
/// members' values in order; this function rejects it.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    let json = json.trim_ascii();
    json.starts_with(b"{")
        .then(|| serde_json::from_slice(json).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_list_or_a_part_is_not_an_object() {
        #[derive(serde::Deserialize)]
        struct WholeObject {
            a: u8,
        }
        let read = |json: &str| super::object::<WholeObject>(json.as_bytes()).map(|shape| shape.a);
        assert_eq!(read(" {\"a\": 1}\n"), Some(1));
        for none in ["[1]", "{\"a\": 1", "{\"a\": 1} x", "", "1"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
