//! What differs between a recorded body and another one.

use crate::{Difference, template::is_text};
use serde_json::Value;

/// What differs between a recorded value and ours, member by member.
///
/// - An object has the same members, except with a member `…`: then it may have more.
/// - Each item of a list is like one of the recorded ones. A recorded `[]` stays empty. In a mixed
///   list of Graph's, items of types that were not recorded are left out, if there are others.
/// - A text can be a template: see [`is_text`]. `absent` is a member that is not there, `number` is
///   any number, and `<list>` any list. `<… or null>` and `<… or absent>` say what else may be.
pub fn shape(real: &Value, ours: Option<&Value>) -> Vec<Difference> {
    let mut all = Vec::new();
    compare("", real, ours, &mut all);
    all
}

/// What says of which type an item of a mixed list is.
const TYPE: &str = "@odata.type";

fn compare(at: &str, real: &Value, ours: Option<&Value>, all: &mut Vec<Difference>) {
    match (real, ours) {
        (Value::String(real), None) if real == "absent" || real.ends_with(" or absent>") => {}
        // An empty body.
        (Value::String(real), Some(Value::Null)) if real.is_empty() => {}
        (Value::String(real), Some(Value::Number(_))) if real == "number" => {}
        (Value::String(real), Some(Value::Null)) if real.ends_with(" or null>") => {}
        (Value::String(real), Some(Value::Array(_))) if real == "<list>" => {}
        (Value::String(real), Some(Value::String(ours))) if is_text(real, ours) => {}
        (Value::Object(real), Some(Value::Object(ours))) => {
            for (name, real) in real.iter().filter(|(name, _)| *name != "…") {
                compare(&format!("{at}/{name}"), real, ours.get(name), all);
            }
            if real.contains_key("…") {
                return;
            }
            for (name, ours) in ours.iter().filter(|(name, _)| !real.contains_key(*name)) {
                let at = format!("{at}/{name}");
                all.push(Difference::new(at, "absent".into(), Some(ours)));
            }
        }
        (Value::Array(real), Some(Value::Array(ours))) if real.is_empty() == ours.is_empty() => {
            let is_recorded = |ours: &Value| {
                let mut types = real.iter().map(|real| real.get(TYPE));
                types.any(|real| real == ours.get(TYPE))
            };
            let are_some = ours.iter().any(is_recorded);
            let items = ours.iter().enumerate();
            for (n, ours) in items.filter(|(_, ours)| !are_some || is_recorded(ours)) {
                let closest = real.iter().map(|real| {
                    let mut found = Vec::new();
                    compare(&format!("{at}/{n}"), real, Some(ours), &mut found);
                    found
                });
                all.extend(closest.min_by_key(Vec::len).into_iter().flatten());
            }
        }
        (real, Some(ours)) if real == ours => {}
        _ => all.push(Difference::new(at, real.clone(), ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_of_a_body_is_found() {
        use serde_json::json;
        let real = json!({
            "a": "<guid>", "b": null, "c": "<name or null>", "d": "absent", "e": "number",
            "f": [{"g": "<date>"}, {"g": 1}], "h": [], "i": {"j": true, "…": "more"},
        });
        let ours = json!({
            "a": "c0a70500-0000-4000-8000-000000000001", "b": null, "c": null, "e": 7,
            "f": [{"g": "2026-01-01T00:00:00.1234567Z"}, {"g": 1}, {"g": 1}], "h": [],
            "i": {"j": true, "k": 1},
        });
        let of = |ours: &Value| shape(&real, Some(ours));
        assert_eq!(of(&ours), Vec::new());
        for (at, value) in [
            ("/a", json!("c0a70500")),
            ("/b", json!("x")),
            ("/c", json!(1)),
            ("/d", json!(null)),
            ("/e", json!("7")),
            ("/f", json!([])),
            ("/f", json!([{"g": "2026-01-01T00:00:00.12345678Z"}])),
            ("/h", json!([1])),
            ("/i", json!({"k": 1})),
            ("/z", json!(1)),
        ] {
            let mut changed = ours.clone();
            changed[&at[1..]] = value;
            let found = of(&changed);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].at.starts_with(at), "{found:?}");
        }
    }

    #[test]
    fn in_a_mixed_list_an_item_is_compared_with_those_of_its_type() {
        use serde_json::json;
        let real = json!([{"@odata.type": "group", "name": "<name>"}]);
        let group = json!({"@odata.type": "group", "name": "a"});
        let role = json!({"@odata.type": "role"});
        let of = |ours: Value| shape(&real, Some(&ours)).len();
        assert_eq!(of(json!([role, group])), 0);
        assert_eq!(of(json!([role, {"@odata.type": "group"}])), 1);
        // With no item of the recorded type, the type is what differs.
        assert_eq!(of(json!([role])), 2);
    }
}
