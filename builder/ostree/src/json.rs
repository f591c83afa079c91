//! Canonical JSON, as bootc writes it (RFC 8785).

use serde_json::Value;

/// `text` with the members of every object sorted by the UTF-16 code units of their names, without white space and
/// with the fewest escapes.
///
/// # Errors
/// `text` is not JSON.
pub fn canonical(text: &[u8]) -> Result<String, serde_json::Error> {
    Ok(write(&serde_json::from_slice(text)?))
}

/// `value` in canonical form.
#[must_use]
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    append(&mut text, value);
    text
}

fn append(text: &mut String, value: &Value) {
    match value {
        // serde_json writes these as RFC 8785 wants them. Fractions, for which its digits may differ in rare cases,
        // do not occur in manifests and configurations.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Array(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                append(text, value);
            }
            text.push(']');
        }
        Value::Object(members) => {
            // Sorted here: whether serde_json's own map is sorted depends on what else is in the build.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (number, (name, value)) in members.into_iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                append(text, value);
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn members_are_sorted_and_space_goes() {
        for (text, expected) in [
            (
                "{ \"b\" : [ 1 , -2, true,null ],\n\"a\":{\"d\":\"x\",\"c\":{}} }",
                r#"{"a":{"c":{},"d":"x"},"b":[1,-2,true,null]}"#,
            ),
            (r#""a\/b\u0041\u0001\n\"\\é\u20ac""#, r#""a/bA\u0001\n\"\\é€""#),
            // RFC 8785, 3.2.3: U+1F600 is a surrogate pair, which sorts before U+FB33.
            (
                "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"1\":3,\"\u{20ac}\":4}",
                "{\"1\":3,\"\u{20ac}\":4,\"\u{1f600}\":2,\"\u{fb33}\":1}",
            ),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(canonical(text.as_bytes()).unwrap(), expected);
        }
        assert!(canonical(b"{").is_err());
    }
}
