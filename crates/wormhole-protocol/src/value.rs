//! Values in JSON, which are passed on unread. The danger is a text that is more than one value: put into
//! another one it would say what its sender has no say in.

use serde::de::IgnoredAny;

/// Whether `text` is one value in JSON and nothing else. However deep it is, this takes no stack.
pub fn is_one_value(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_one_value() {
        for text in ["1", " {\"a\": [1, null]} ", "\"x\"", "true"] {
            assert!(is_one_value(text), "{text}");
        }
        for text in ["", "1,\"unknown\":true", "1}", "no json", "[1", "1 2"] {
            assert!(!is_one_value(text), "{text}");
        }
        assert!(is_one_value(&("[".repeat(1_000_000) + &"]".repeat(1_000_000))));
    }
}
