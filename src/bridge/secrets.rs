//! Option values that must not leave the server: passwords of user mappings. Whatever Python raises
//! or logs passes here first. The danger is a short secret: replacing "a" everywhere would make
//! every message unreadable, so a short one goes only where it stands alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

const MASK: &str = "***";
/// More user mappings than one session uses; the oldest is forgotten, or a session that walks over
/// many would grow and slow down.
const MOST: usize = 256;
/// Shorter ones are replaced only as whole words.
const SHORT: usize = 6;

static SECRETS: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// From now on `secret` is shown as `***`, also in the percent-encoded form that URLs have.
pub(crate) fn register(secret: &str) {
    if secret.is_empty() {
        return;
    }
    let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    for form in [secret.to_owned(), percent_encoded(secret)] {
        if let Some(known) = secrets.iter().position(|known| *known == form) {
            secrets.remove(known);
        }
        if secrets.len() == MOST {
            secrets.pop_front();
        }
        secrets.push_back(form);
    }
}

/// The text without the known secrets, and without what the package's own patterns (`password=…`,
/// `scheme://user:password@host`) find.
pub(crate) fn redact(py: Python<'_>, text: String) -> String {
    let text = without_known(text);
    // The package may not be importable while its import is the very thing that failed.
    let masked = py
        .import("multicorn._secrets")
        .and_then(|module| module.call_method1("mask", (&text,)))
        .and_then(|masked| masked.extract::<String>());
    masked.unwrap_or(text)
}

fn without_known(mut text: String) -> String {
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if !text.contains(secret.as_str()) {
            continue;
        }
        text = if secret.len() >= SHORT {
            text.replace(secret.as_str(), MASK)
        } else {
            whole_words(&text, secret)
        };
    }
    text
}

fn whole_words(text: &str, secret: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    while let Some(found) = rest.find(secret) {
        let (before, after) = (&rest[..found], &rest[found + secret.len()..]);
        let left = before.chars().next_back().or_else(|| result.chars().next_back());
        let inside_a_word = joins(left) || joins(after.chars().next());
        result.push_str(before);
        result.push_str(if inside_a_word { secret } else { MASK });
        rest = after;
    }
    result.push_str(rest);
    result
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}
