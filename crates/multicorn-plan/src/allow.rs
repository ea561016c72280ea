//! Which classes a server's owner may name: `multicorn.allowed_wrappers`. The danger is a pattern
//! that matches more than it shows: `*` stands for one or more characters and nothing else is special.

/// A parsed list of dotted names such as `multicorn.csvfdw.CsvFdw, shop.*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(pub String);

impl Patterns {
    /// Patterns are separated by commas; each is a dotted name in which `*` matches any characters.
    pub fn parse(list: &str) -> Result<Self, PatternError> {
        list.split(',')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
            .map(|pattern| {
                let valid = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '*');
                if pattern.chars().all(valid) {
                    Ok(pattern.to_owned())
                } else {
                    Err(PatternError(pattern.to_owned()))
                }
            })
            .collect::<Result<_, _>>()
            .map(Patterns)
    }

    pub fn allow(&self, class: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern.as_bytes(), class.as_bytes()))
    }
}

/// Linear in both lengths for one star, and bounded by their product: patterns come from superusers,
/// names from anyone who may create a server.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            retry = Some((p, n + 1));
            p += 1;
            n += 1;
        } else if p < pattern.len() && pattern[p] == name[n] {
            p += 1;
            n += 1;
        } else if let Some((star, next)) = retry {
            retry = Some((star, next + 1));
            p = star + 1;
            n = next + 1;
            if n > name.len() {
                return false;
            }
        } else {
            return false;
        }
    }
    p == pattern.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(list: &str, name: &str) -> bool {
        Patterns::parse(list).unwrap().allow(name)
    }

    #[test]
    fn empty_allows_nothing() {
        assert!(!allow("", "a.B"));
        assert!(!allow(" , ", "a.B"));
    }

    #[test]
    fn exact_names() {
        assert!(allow("a.B, c.D", "c.D"));
        assert!(!allow("a.B", "a.Bc"));
        assert!(!allow("a.B", "xa.B"));
        assert!(!allow("a.B", "a.b"));
    }

    #[test]
    fn a_star_is_at_least_one_character() {
        assert!(allow("shop.*", "shop.Orders"));
        assert!(allow("shop.*", "shop.sub.Orders"));
        assert!(!allow("shop.*", "shop."));
        assert!(!allow("shop.*", "shopping.Orders"));
        assert!(allow("*", "os.system"));
    }

    #[test]
    fn stars_backtrack() {
        assert!(allow("*.fdw.*Fdw", "a.fdw.b.fdw.CFdw"));
        assert!(!allow("*.fdw.*Fdw", "a.fdw.b.fdw.CFd"));
        assert!(allow("*a*a", "aaaa"));
        assert!(!allow("*a*a", "ba"));
    }

    #[test]
    fn a_dot_is_a_dot() {
        assert!(!allow("a.B", "axB"));
        assert_eq!(Patterns::parse("a.B; c"), Err(PatternError("a.B; c".into())));
    }
}
