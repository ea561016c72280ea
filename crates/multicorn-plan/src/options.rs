//! Options of the catalogue: which wins, and which class a table gets. The danger is a table that
//! names a class which the server's owner did not choose.

/// Where an option list comes from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Table,
    Server,
    UserMapping,
}

/// What the `wrapper` options of server and table say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrapperChoice {
    Class(String),
    /// Neither names a class.
    Missing,
    /// The table names another class than its server.
    TableMayNot,
}

/// A server with `wrapper '*'` lets each table choose; a table may repeat its server's class.
pub fn choose_wrapper(server: Option<&str>, table: Option<&str>) -> WrapperChoice {
    match (server, table) {
        (Some("*"), Some(class)) if class != "*" => WrapperChoice::Class(class.to_owned()),
        (Some("*") | None, _) => WrapperChoice::Missing,
        (Some(class), None) => WrapperChoice::Class(class.to_owned()),
        (Some(class), Some(same)) if class == same => WrapperChoice::Class(class.to_owned()),
        (Some(_), Some(_)) => WrapperChoice::TableMayNot,
    }
}

/// Table, then server, then user mapping: a later one wins and keeps the place of the first.
/// `wrapper` is left out, since classes never see it.
pub fn merge(lists: [&[(String, String)]; 3]) -> Vec<(String, String)> {
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in lists.into_iter().flatten().filter(|(name, _)| name != "wrapper") {
        match merged.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => old.clone_from(value),
            None => merged.push((name.clone(), value.clone())),
        }
    }
    merged
}

/// Whether a user mapping's option of that name is kept out of every message. Judged by its name: other
/// values are words such as a role's name, which messages need and which may stand in them anyway.
pub fn is_secret(option: &str) -> bool {
    const PARTS: [&str; 12] =
        ["pass", "pwd", "secret", "token", "key", "cred", "auth", "private", "dsn", "conninfo", "url", "uri"];
    let option = option.to_lowercase();
    PARTS.iter().any(|part| option.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_chooses_unless_it_says_star() {
        let class = |name: &str| WrapperChoice::Class(name.to_owned());
        assert_eq!(choose_wrapper(Some("a.B"), None), class("a.B"));
        assert_eq!(choose_wrapper(Some("a.B"), Some("a.B")), class("a.B"));
        assert_eq!(choose_wrapper(Some("a.B"), Some("a.C")), WrapperChoice::TableMayNot);
        assert_eq!(choose_wrapper(Some("*"), Some("a.C")), class("a.C"));
        assert_eq!(choose_wrapper(Some("*"), None), WrapperChoice::Missing);
        assert_eq!(choose_wrapper(Some("*"), Some("*")), WrapperChoice::Missing);
        assert_eq!(choose_wrapper(None, Some("a.C")), WrapperChoice::Missing);
    }

    #[test]
    fn secrets_have_telling_names() {
        for name in [
            "password",
            "Passphrase",
            "PGPASSWORD",
            "api_key",
            "client_secret",
            "oauth_token",
            "pwd",
            "dsn",
            "db_url",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["user", "username", "login", "host", "usermapping", "tenant"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn later_wins() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let merged = merge([
            &[pair("x", "table"), pair("y", "table")],
            &[pair("wrapper", "a.B"), pair("x", "server")],
            &[pair("password", "p"), pair("x", "user")],
        ]);
        assert_eq!(merged, [pair("x", "user"), pair("y", "table"), pair("password", "p")]);
    }
}
