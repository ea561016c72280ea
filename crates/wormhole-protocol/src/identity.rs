//! Names of functions: an id is a hash of what it names. The danger is a text that only looks like one.

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
