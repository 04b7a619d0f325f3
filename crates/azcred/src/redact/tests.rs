//! What a hostile server can do with a secret, and what is shown of its response.

use super::*;
use crate::hostile::cases;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;

const SECRET: &str = "kX8Q~a+b/c=&\"'é_TopSecretValue0123456789";

#[test]
fn a_secret_is_cut_out_as_it_is_and_as_a_form_has_it() {
    let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    for secret in [SECRET, &form] {
        assert_eq!(
            redact(&format!("the value {secret} is wrong"), &[SECRET]),
            "the value **** is wrong"
        );
    }
    assert_eq!(redact("pin 1234 is wrong", &["1234"]), "pin **** is wrong");
}

#[test]
fn text_with_a_part_or_another_form_of_a_secret_is_left_out_whole() {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
    for text in [
        &SECRET[..20],
        &SECRET[SECRET.len() - 12..],
        &SECRET.to_uppercase(),
        &STANDARD_NO_PAD.encode(SECRET),
        &STANDARD_NO_PAD.encode(format!("i{SECRET}")),
        &URL_SAFE_NO_PAD.encode(format!("id{SECRET}&more")),
        &hex,
    ] {
        assert_eq!(
            redact(&format!("no: {text}."), &[SECRET]),
            LEFT_OUT,
            "{text}"
        );
    }
}

#[test]
fn other_words_stay_as_they_are() {
    let text = "AADSTS7000215: Invalid client secret provided. TopSecr, 0123456";
    assert!(matches!(redact(text, &[SECRET, ""]), Cow::Borrowed(kept) if kept == text));
}

/// The bytes of a text, each written by `write`.
fn each(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

/// The characters of a text with others between them.
fn apart(text: &str, between: &str) -> String {
    let characters: Vec<String> = text.chars().map(String::from).collect();
    characters.join(between)
}

/// A way to write a text.
type Dress = (&'static str, fn(&str) -> String);

/// The ways to write a secret in which a reader can still find it.
const DRESSES: [Dress; 31] = [
    ("as it is", str::to_owned),
    ("in capitals", |text| text.to_uppercase()),
    ("percent", |text| each(text, |byte| format!("%{byte:02X}"))),
    ("percent, lower case", |text| {
        each(text, |byte| format!("%{byte:02x}"))
    }),
    ("percent twice", |text| {
        each(text, |byte| format!("%25{byte:02X}"))
    }),
    ("percent throughout, twice", |text| {
        each(&each(text, |byte| format!("%{byte:02X}")), |byte| {
            format!("%{byte:02X}")
        })
    }),
    ("decimal entities", |text| {
        text.chars()
            .map(|c| format!("&#{};", u32::from(c)))
            .collect()
    }),
    ("long decimal entities", |text| {
        text.chars()
            .map(|c| format!("&#{:06};", u32::from(c)))
            .collect()
    }),
    ("hexadecimal entities", |text| {
        text.chars()
            .map(|c| format!("&#x{:X};", u32::from(c)))
            .collect()
    }),
    ("entities that are escaped", |text| {
        text.chars()
            .map(|c| format!("&amp;#x{:x};", u32::from(c)))
            .collect()
    }),
    ("JSON", |text| {
        text.encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect()
    }),
    ("JSON in JSON", |text| {
        text.encode_utf16()
            .map(|unit| format!("\\u005cu{unit:04X}"))
            .collect()
    }),
    ("Rust", |text| {
        text.chars()
            .map(|c| format!("\\u{{{:x}}}", u32::from(c)))
            .collect()
    }),
    ("C", |text| each(text, |byte| format!("\\x{byte:02x}"))),
    ("hexadecimal", |text| {
        each(text, |byte| format!("{byte:02x}"))
    }),
    ("hexadecimal, in capitals and apart", |text| {
        each(text, |byte| format!("{byte:02X}:"))
    }),
    ("numbers", |text| {
        each(text, |byte| format!("0x{byte:02x}, "))
    }),
    ("quoted-printable", |text| {
        each(text, |byte| format!("={byte:02X}"))
    }),
    ("lines that go on", |text| apart(text, "=\r\n")),
    ("folded lines", |text| apart(text, "\r\n ")),
    ("spaced out", |text| apart(text, " ")),
    ("with dots", |text| apart(text, ".")),
    ("with unseen characters", |text| {
        apart(text, "\u{200b}\u{ad}")
    }),
    ("full width", |text| {
        let wide = |c: char| match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
            c => c,
        };
        text.chars().map(wide).collect()
    }),
    ("base64", |text| STANDARD.encode(text)),
    ("base64 for addresses", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64 of base64", |text| {
        STANDARD.encode(STANDARD.encode(text))
    }),
    ("base64 of base64 behind a word", |text| {
        let inner = URL_SAFE_NO_PAD.encode(text);
        format!("id{}", STANDARD_NO_PAD.encode(format!("a {inner}")))
    }),
    ("base64 four times", |text| {
        (0..4).fold(text.to_owned(), |text, _| STANDARD.encode(text))
    }),
    ("base64 of percent", |text| {
        STANDARD.encode(each(text, |byte| format!("%{byte:02x}")))
    }),
    ("base64 in short lines", |text| {
        let text = STANDARD.encode(text);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(3)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        lines.join("\r\n")
    }),
];

#[test]
fn a_secret_is_not_shown_in_any_dress() {
    for (name, dress) in DRESSES {
        let text = format!("The value '{}' is not valid.", dress(SECRET));
        let shown = redact(&text, &[SECRET]);
        assert!(
            shown == LEFT_OUT || shown == "The value '****' is not valid.",
            "{name}: {shown}"
        );
    }
}

#[test]
fn a_secret_of_signs_is_not_shown_in_any_dress_that_keeps_them() {
    for secret in [
        "~?>~?>~?>!#$^*()[]{}|",
        "\u{1f511}\u{1f5dd}\u{1f512}\u{1f513}",
    ] {
        for (name, dress) in DRESSES {
            // Nothing shows which of the dots and the commas are the secret's.
            if ["with dots", "numbers"].contains(&name) {
                continue;
            }
            let text = format!("The value '{}' is not valid.", dress(secret));
            let shown = redact(&text, &[secret]);
            assert!(
                shown == LEFT_OUT || shown == "The value '****' is not valid.",
                "{name}: {shown}"
            );
        }
    }
    let signs = "~?>~?>~?>~?>";
    for text in [
        "&#126;&#63;&#62;&#126;&#63;&#62;&#126;&#63;&#62;&#126;&#63;&#62;",
        "&#126&#63&#62&#126&#63&#62&#126&#63&#62&#126&#63&#62",
    ] {
        assert_eq!(redact(text, &[signs]), LEFT_OUT, "{text}");
    }
}

#[test]
fn a_short_secret_is_cut_out_as_a_word_and_otherwise_nothing_is_shown() {
    assert_eq!(redact("pin 7 is wrong", &["7"]), "pin **** is wrong");
    for (text, secret) in [
        ("the value is wrong", "a"),
        ("the latest value", "test"),
        ("pin %31%32%33%34", "1234"),
        ("pin 1 2 3 4", "1234"),
        ("pin MTIzNA==", "1234"),
        // base64 of 'x1234' and 'xy1234'
        ("pin eDEyMzQ=", "1234"),
        ("pin eHkxMjM0", "1234"),
        ("PASSWORD123 is wrong", "password123"),
    ] {
        assert_eq!(redact(text, &[secret]), LEFT_OUT, "{text}");
    }
    for (text, secret) in [
        ("the secret is wrong", "secret"),
        ("the password is wrong", "password"),
        ("the aaaaaaaaaaaa is wrong", "aaaaaaaaaaaa"),
    ] {
        assert_eq!(redact(text, &[secret]), text.replace(secret, "****"));
    }
    // More of the same than the secret has.
    assert_eq!(
        redact("aaaaaaaaaaaaaaaaaaaa", &["aaaaaaaa"]),
        "********aaaa"
    );
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_dress_of_a_secret_is_shown(
        secret in "[!-~]{8,40}",
        dress in prop::sample::select(DRESSES.to_vec()),
        before in "[a-z ]{0,9}",
        again in prop::sample::select(DRESSES.to_vec()),
    ) {
        // Letters and digits are what the dresses that tear it apart leave in a row.
        prop_assume!(letters(&secret).len() >= STRETCH);
        let text = dress.1(&secret);
        let mut texts = vec![format!("{before}{text}!")];
        // Encoded, then escaped.
        let is_escape = ["base64", "hexadecimal", "with dots", "lines", "numbers"].iter().all(|other| !again.0.starts_with(other));
        if is_escape && !dress.0.starts_with("base64") {
            texts.push(again.1(&text));
        }
        for text in texts {
            let shown = redact(&text, &[&secret]);
            let plain = unescaped(&shown, false).unwrap_or(shown.into_owned());
            prop_assert!(!letters(&plain).contains(&letters(&secret)), "{} {}: {plain}", dress.0, again.0);
            prop_assert!(!plain.contains(&text), "{}: {plain}", dress.0);
        }
    }

    #[test]
    fn a_text_without_the_secret_stays(text in "[a-z ,.0-9]{0,200}", secret in "[A-Z]{4}~[!-/]{3}[A-Z0-9~]{24}") {
        prop_assume!(!repeats(&text, &Forms::of([&*secret].into_iter())));
        prop_assert_eq!(redact(&text, &[&secret]), &*text);
    }
}

#[test]
fn eight_digits_of_an_id_are_no_part_of_a_secret_in_hexadecimal() {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let id = format!("request {}-0000-4000-8000-000000000001", &hex[3..11]);
    assert_eq!(redact(&id, &[SECRET]), id);
    let part = format!("request {}", &hex[3..19]);
    assert_eq!(redact(&part, &[SECRET]), LEFT_OUT);
}
