//! `get_path_keys`: which outer relations let the class be asked for few rows at a time. The danger
//! is asking for too much: a key needs one usable clause per column, not every outer relation that
//! happens to be equal to it.

/// `(("a", "b"), 1)`: a lookup by `a` and `b` gives one row.
#[derive(Clone, Debug, PartialEq)]
pub struct PathKey {
    pub attnos: Vec<i16>,
    pub rows: f64,
}

/// A clause `column = expression`, of other relations or of none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyClause {
    pub attno: i16,
    /// The relations that the other side needs, ascending; none for a constant or parameter.
    pub outer: Vec<u32>,
}

/// One way to drive the scan from other relations.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameterization {
    pub outer: Vec<u32>,
    pub rows: f64,
}

/// More combinations than this cost planning time and never win.
const MOST: usize = 32;

/// Every minimal set of outer relations that fixes all columns of a key, with the fewest rows. A key
/// that constants fix alone needs no outer relation and is no parameterization.
pub fn parameterizations(keys: &[PathKey], clauses: &[KeyClause]) -> Vec<Parameterization> {
    let mut found: Vec<Parameterization> = Vec::new();
    for key in keys.iter().filter(|key| !key.attnos.is_empty()) {
        let mut sets: Vec<Vec<u32>> = vec![Vec::new()];
        for attno in &key.attnos {
            let mut next: Vec<Vec<u32>> = Vec::new();
            for set in &sets {
                for clause in clauses.iter().filter(|clause| clause.attno == *attno) {
                    let union = union(set, &clause.outer);
                    if !next.contains(&union) && next.len() < MOST {
                        next.push(union);
                    }
                }
            }
            sets = next;
        }
        for outer in sets.into_iter().filter(|outer| !outer.is_empty()) {
            let full = found.len() >= MOST;
            match found.iter_mut().find(|p| p.outer == outer) {
                Some(p) => p.rows = p.rows.min(key.rows),
                None if !full => found.push(Parameterization { outer, rows: key.rows }),
                None => {}
            }
        }
    }
    found
}

/// A generic plan's `get_rel_size` sees no parameter values: where `fixed` columns, compared by `=`
/// with values unknown at planning, cover a key, that key's rows are the better estimate.
pub fn generic_rows(rows: f64, keys: &[PathKey], fixed: &[i16], unknown: &[i16]) -> f64 {
    keys.iter()
        .filter(|key| !key.attnos.is_empty() && key.attnos.iter().all(|a| fixed.contains(a)))
        .filter(|key| key.attnos.iter().any(|a| unknown.contains(a)))
        .map(|key| key.rows)
        .fold(rows, f64::min)
}

fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut all: Vec<u32> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(attnos: &[i16], rows: f64) -> PathKey {
        PathKey { attnos: attnos.to_vec(), rows }
    }

    fn clause(attno: i16, outer: &[u32]) -> KeyClause {
        KeyClause { attno, outer: outer.to_vec() }
    }

    #[test]
    fn each_outer_relation_alone_will_do() {
        let found = parameterizations(&[key(&[1], 5.0)], &[clause(1, &[2]), clause(1, &[3])]);
        assert_eq!(
            found,
            [Parameterization { outer: vec![2], rows: 5.0 }, Parameterization { outer: vec![3], rows: 5.0 }]
        );
    }

    #[test]
    fn a_composite_key_needs_every_column() {
        let keys = [key(&[1, 2], 1.0)];
        assert!(parameterizations(&keys, &[clause(1, &[2])]).is_empty());
        let found = parameterizations(&keys, &[clause(1, &[2]), clause(2, &[3])]);
        assert_eq!(found, [Parameterization { outer: vec![2, 3], rows: 1.0 }]);
    }

    #[test]
    fn a_constant_fixes_its_part_of_a_key() {
        let keys = [key(&[1, 2], 1.0)];
        let found = parameterizations(&keys, &[clause(1, &[2]), clause(2, &[])]);
        assert_eq!(found, [Parameterization { outer: vec![2], rows: 1.0 }]);
        assert!(parameterizations(&keys, &[clause(1, &[]), clause(2, &[])]).is_empty());
    }

    #[test]
    fn the_better_key_wins_and_combinations_are_bounded() {
        let found = parameterizations(&[key(&[1], 5.0), key(&[1], 2.0)], &[clause(1, &[2])]);
        assert_eq!(found, [Parameterization { outer: vec![2], rows: 2.0 }]);
        let many: Vec<_> = (0..200).map(|i| clause(1, &[i])).collect();
        assert_eq!(parameterizations(&[key(&[1], 1.0)], &many).len(), MOST);
    }

    #[test]
    fn a_parameter_on_a_key_is_estimated_by_the_key() {
        let keys = [key(&[1], 1.0), key(&[2, 3], 4.0)];
        assert_eq!(generic_rows(1000.0, &keys, &[1], &[1]), 1.0);
        assert_eq!(generic_rows(1000.0, &keys, &[1], &[]), 1000.0);
        assert_eq!(generic_rows(1000.0, &keys, &[2], &[2]), 1000.0);
        assert_eq!(generic_rows(1000.0, &keys, &[2, 3], &[3]), 4.0);
        assert_eq!(generic_rows(0.5, &keys, &[1], &[1]), 0.5);
    }
}
