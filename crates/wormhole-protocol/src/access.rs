//! Where a function runs: in the backend, or in a confined worker. The danger is code of somebody else
//! in the hands of a superuser: in the backend it could do anything, and in a worker its SQL could.

/// What is known when a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A superuser has approved exactly this source.
    pub approved: bool,
    /// Session, outer and current user were superusers when it was installed.
    pub trusted: bool,
    /// The caller has installed it.
    pub own: bool,
    /// The caller is a superuser.
    pub superuser: bool,
}

/// Where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    InProcess,
    Confined,
    /// Nowhere.
    Refused,
}

/// Chooses.
pub fn choose(facts: Facts) -> Tier {
    if facts.approved || facts.trusted {
        Tier::InProcess
    } else if facts.superuser && !facts.own {
        Tier::Refused
    } else {
        Tier::Confined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_superusers_vouch_for_runs_in_process() {
        for bits in 0..16_u8 {
            let bit = |n: u8| bits >> n & 1 == 1;
            let facts = Facts { approved: bit(0), trusted: bit(1), own: bit(2), superuser: bit(3) };
            let vouched = facts.approved || facts.trusted;
            let expected = match (vouched, facts.superuser, facts.own) {
                (true, _, _) => Tier::InProcess,
                (false, true, false) => Tier::Refused,
                (false, _, _) => Tier::Confined,
            };
            assert_eq!(choose(facts), expected, "{facts:?}");
        }
    }
}
