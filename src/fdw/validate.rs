//! Options at CREATE and ALTER, and who may name which class. The danger is a role that may create
//! servers and so could import any module: the server's owner is judged, at DDL and again at use.

use multicorn_plan::{Patterns, WrapperChoice, choose_wrapper};
use pgrx::pg_sys;

use crate::error::{Error, SqlState};
use crate::gucs;
use crate::pg::catalog::{self, ForeignServer, Options};
use crate::pg::ddl::{self, Target};
use crate::pg::function::Arguments;

/// `multicorn_validator(options text[], catalog oid)`.
pub(crate) fn options(arguments: Arguments) -> Result<(), Error> {
    let options = match arguments.get(0) {
        Some(array) => catalog::options_of_array(array)?,
        None => Options::new(),
    };
    let wrapper = wrapper_of(&options);
    match ddl::target(arguments.get(1)) {
        Target::Server => match wrapper {
            None | Some("") => Err(wrapper_missing(&options)),
            Some("*") => Ok(()),
            Some(class) => class_allowed(class, server_owner()?).map(drop),
        },
        Target::Table => wrapper.map_or(Ok(()), table_wrapper),
        Target::Other => match wrapper {
            None => Ok(()),
            Some(_) => {
                Err(Error::new(SqlState::FDW_INVALID_OPTION_NAME, "Cannot set the wrapper class here")
                    .hint("Set it on the server"))
            }
        },
    }
}

/// Who owns the server that is being created or altered. A superuser may alter that of another role.
fn server_owner() -> Result<pg_sys::Oid, Error> {
    let altered = ddl::altered_server().map(|name| catalog::foreign_server_by_name(&name)).transpose()?;
    Ok(altered.flatten().map_or_else(catalog::current_user, |server| server.owner))
}

/// A table's own class, judged now if the statement tells its server, else at use.
fn table_wrapper(class: &str) -> Result<(), Error> {
    let Some(name) = ddl::server_of_statement()? else { return Ok(()) };
    let Some(server) = catalog::foreign_server_by_name(&name)? else { return Ok(()) };
    chosen_class(&server, Some(class)).map(drop)
}

/// The class that a list of options names.
pub(super) fn wrapper_of(options: &Options) -> Option<&str> {
    options.iter().find(|(name, _)| name == "wrapper").map(|(_, value)| value.as_str())
}

/// The class of a table of `server` that names `own`, and why the server's owner may name it.
pub(super) fn chosen_class(server: &ForeignServer, own: Option<&str>) -> Result<(String, Allowed), Error> {
    let class = match choose_wrapper(wrapper_of(&server.options), own) {
        WrapperChoice::Class(class) => class,
        WrapperChoice::Missing => return Err(wrapper_missing(&server.options)),
        WrapperChoice::TableMayNot => return Err(wrapper_on_table()),
    };
    let allowed = class_allowed(&class, server.owner)?;
    Ok((class, allowed))
}

/// The contract's words.
pub(super) fn wrapper_missing(options: &Options) -> Error {
    let error = Error::new(
        SqlState::FDW_OPTION_NAME_NOT_FOUND,
        "The wrapper parameter is mandatory, specify a valid class name",
    );
    let near =
        options.iter().map(|(name, _)| name).find(|name| strsim::damerau_levenshtein(name, "wrapper") <= 2);
    match near {
        Some(name) if name != "wrapper" => error.hint(format!("There is an option \"{name}\".")),
        _ => error,
    }
}

/// The contract's words.
pub(super) fn wrapper_on_table() -> Error {
    Error::new(SqlState::FDW_INVALID_OPTION_NAME, "Cannot set the wrapper class on the table")
        .hint("Set it on the server")
}

/// Why a server's owner may name its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Superuser,
    /// By this value of the setting.
    Listed(Vec<String>),
}

impl Allowed {
    /// Whether the setting still says so; for the owner's part the catalogue's callbacks are asked.
    pub(super) fn holds(&self) -> bool {
        match self {
            Allowed::Superuser => true,
            Allowed::Listed(patterns) => *patterns == gucs::allowed_wrappers(),
        }
    }
}

/// Superusers may name any class, others what `multicorn.allowed_wrappers` lists.
pub(super) fn class_allowed(class: &str, owner: pg_sys::Oid) -> Result<Allowed, Error> {
    if catalog::is_superuser(owner)? {
        return Ok(Allowed::Superuser);
    }
    let listed = gucs::allowed_wrappers();
    let patterns = Patterns::parse(&listed.join(",")).map_err(|wrong| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("multicorn.allowed_wrappers has a pattern that is not a dotted name: \"{}\"", wrong.0),
        )
    })?;
    if patterns.allow(class) {
        return Ok(Allowed::Listed(listed));
    }
    let role = catalog::role_name(owner)?;
    Err(Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("wrapper \"{class}\" is not allowed for role \"{role}\", which owns the server"),
    )
    .hint("A superuser can list it in multicorn.allowed_wrappers."))
}
