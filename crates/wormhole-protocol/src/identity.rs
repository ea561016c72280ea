//! Names of functions: an id is a hash of what it names, computed alike by client and server. The danger is
//! a text that is written in two ways: the hashed form is the one that Python's `json.dumps` gives.

use sha2::{Digest, Sha256};

/// The id of a function: SHA-256 of `[name, source, signature]` as JSON in ASCII without blanks.
pub fn id_of(name: &str, source: &str, signature: &str) -> String {
    let mut text = String::with_capacity(source.len() + source.len() / 8 + 100);
    text.push('[');
    for (at, part) in [name, source, signature].into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        quote(part, &mut text);
    }
    text.push(']');
    hash(&text)
}

/// SHA-256 of a text in hexadecimal digits.
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A string in JSON as `json.dumps(…, ensure_ascii=True)` writes it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Whether `text` has the form of an id.
pub fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A text from outside, shortened for a message.
pub fn mention(text: &str) -> String {
    const MOST: usize = 80;
    let mut clean: String = text.chars().filter(|c| !c.is_control()).take(MOST + 1).collect();
    if clean.chars().count() > MOST {
        clean.pop();
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_python_computes() {
        let mut text = String::new();
        quote("a\"\\\n\u{7f}\u{1}é€😀", &mut text);
        assert_eq!(text, r#""a\"\\\n\u007f\u0001\u00e9\u20ac\ud83d\ude00""#);
        // hashlib.sha256(json.dumps(["f", "def f(): return 'é'", "()"], separators=(",", ":")).encode("ascii"))
        let id = "daea9ee55ee22dc6";
        assert_eq!(&id_of("f", "def f(): return 'é'", "()")[..16], id);
    }

    #[test]
    fn an_id_is_64_hexadecimal_digits() {
        assert!(is_id(&"0a".repeat(32)));
        assert!(!is_id(&"0A".repeat(32)));
        assert!(!is_id("0a"));
        assert!(!is_id(&"é".repeat(32)));
    }

    #[test]
    fn a_mention_is_short_and_of_one_line() {
        assert_eq!(mention("a\nb\0c"), "abc");
        assert_eq!(mention(&"x".repeat(500)).chars().count(), 81);
    }
}
