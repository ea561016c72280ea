//! `wormhole_install`: looks at a source, and keeps it under a name that is a hash of it. The danger is the
//! source itself: unless superusers alone are at work, it is parsed in a worker, never in the backend.

use pgrx::pg_sys::{Datum, Oid};
use wormhole_protocol::{hash, id_of};

use super::registry::{self, Home, number};
use super::{confined, failure, give_text, in_process, json_argument, needed_text, text_argument};
use crate::error::Error;
use crate::gucs;
use crate::pg::call::Call;
use crate::pg::{caller, catalog};

struct Candidate {
    id: String,
    name: String,
    source: String,
    signature: String,
    origin: Option<String>,
    owner: Oid,
    trusted: bool,
}

pub(super) fn handle(call: Call) -> Result<Datum, Error> {
    let (name, source) = (needed_text(call, 0, "name")?, needed_text(call, 1, "source")?);
    let signature = text_argument(call, 2)?.unwrap_or_default();
    let origin = json_argument(call, 3)?;
    let most = gucs::wormhole::limits().frame / 2;
    if source.len() + signature.len() + origin.as_ref().map_or(0, String::len) > most {
        return Err(failure::exceeded(&wormhole_protocol::Exceeded::Frame(most)));
    }
    if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        return Err(failure::source_refused("a remote function needs a name of up to 200 characters"));
    }
    let roles = caller::roles();
    let candidate = Candidate {
        id: id_of(&name, &source, &signature),
        owner: roles.current,
        trusted: roles.all_superusers()?,
        name,
        source,
        signature,
        origin,
    };
    let home = registry::home()?;
    if !is_known(&home, &candidate)? {
        if candidate.trusted {
            in_process::check(&candidate.name, &candidate.source)?;
        } else {
            confined::check(&candidate.id, &candidate.name, &candidate.source)?;
        }
        keep(&home, &candidate)?;
    }
    give_text(call, &candidate.id)
}

/// Whether the role has installed it already, with no less trust.
fn is_known(home: &Home, candidate: &Candidate) -> Result<bool, Error> {
    let rows = home.read(
        "SELECT 'x' FROM ~wormhole_functions
         WHERE func_id = $1 AND created_by::oid = $2::oid AND trusted >= $3::boolean",
        &[Some(&candidate.id), Some(&number(candidate.owner)), Some(&candidate.trusted.to_string())],
    )?;
    Ok(!rows.is_empty())
}

fn keep(home: &Home, candidate: &Candidate) -> Result<(), Error> {
    let session = catalog::role_name(caller::roles().session)?;
    let hash = hash(&candidate.source);
    home.query(
        "INSERT INTO ~wormhole_functions AS f
            (func_id, func_name, created_by, source, hash, version, signature, created_by_session, origin, trusted)
         SELECT $1, $2, $3::oid::~wormhole_role, $4, $5,
            (SELECT coalesce(max(o.version), 0) + 1 FROM ~wormhole_functions o
             WHERE o.func_name = $2 AND o.created_by::oid = $3::oid),
            $6, $7::name, $8::jsonb, $9::boolean
         ON CONFLICT (func_id, created_by) DO UPDATE SET trusted = f.trusted OR excluded.trusted",
        &[
            Some(&candidate.id),
            Some(&candidate.name),
            Some(&number(candidate.owner)),
            Some(&candidate.source),
            Some(&hash),
            Some(&candidate.signature),
            Some(&session),
            candidate.origin.as_deref(),
            Some(&candidate.trusted.to_string()),
        ],
    )?;
    let trust = candidate.trusted.then_some("runs in process");
    let owner = catalog::role_name(candidate.owner)?;
    registry::audit("install", &candidate.id, Some(&candidate.name), Some(&owner), trust)
}
