//! The settings: each with its default and the reason for it. The danger is one that decides which
//! code runs inside the server, and so belongs to superusers alone: all of these are theirs.

pub(crate) mod wormhole;

use std::time::Duration;

use crate::error::Level;
use crate::pg::settings::{self, About, MessageLevel, Milliseconds, Named, Text};

/// Empty: the system's Python as it is. Read once, because a module that was imported from the old
/// place would stay loaded and mix with the new.
static PYTHON_PATH: Text = Text::new();

/// Empty: none. A directory, not an interpreter: the server's own Python runs, and only the packages
/// of the environment are added.
static VIRTUALENV: Text = Text::new();

/// Empty: none but superusers' servers. `wrapper` names a class to import, so a wider default would
/// let any role that may create servers run any installed code as the server's account.
static ALLOWED_WRAPPERS: Text = Text::new();

/// Notice: a wrapper's author sees prints in psql without touching a setting. There is no `error`:
/// printing must not end a statement.
static PRINT_LEVEL: MessageLevel = MessageLevel::new(Level::Notice);

/// Long enough for a commit at a remote database across a slow line, short enough that a "fast"
/// shutdown, which waits for it, still deserves its name. There is no "never": while a hook runs, no
/// timeout of the server and no cancel applies.
static HOOK_TIMEOUT: Milliseconds = Milliseconds::new(30_000);

struct PythonPath;
impl Named for PythonPath {
    fn text() -> &'static Text {
        &PYTHON_PATH
    }
}

struct Virtualenv;
impl Named for Virtualenv {
    fn text() -> &'static Text {
        &VIRTUALENV
    }
}

/// Defines the settings, while the library is loaded.
pub(crate) fn init() {
    Text::define_freezable::<PythonPath>(&About {
        name: c"multicorn.python_path",
        short: c"Directories in which Python looks for modules first.",
        long: c"Separated by colons or commas. Read when Python starts in a session.",
    });
    Text::define_freezable::<Virtualenv>(&About {
        name: c"multicorn.virtualenv",
        short: c"Directory of a Python virtual environment whose packages are used.",
        long: c"It must be of the Python version that the server runs. Read when Python starts in a session.",
    });
    ALLOWED_WRAPPERS.define(&About {
        name: c"multicorn.allowed_wrappers",
        short: c"Wrapper classes that servers of roles other than superusers may use.",
        long: c"Comma-separated patterns of dotted names, such as multicorn.csvfdw.*",
    });
    PRINT_LEVEL.define(&About {
        name: c"multicorn.print_level",
        short: c"Level of the messages that Python's print() sends.",
        long: c"",
    });
    HOOK_TIMEOUT.define(&About {
        name: c"multicorn.hook_timeout",
        short: c"Longest time that a wrapper's transaction hook or clean-up may take.",
        long: c"",
    });
    wormhole::define();
    settings::reserve(c"multicorn");
}

fn list(text: &str, separators: &[char]) -> Vec<String> {
    text.split(separators).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The directories of multicorn.python_path.
pub(crate) fn python_path() -> Vec<String> {
    list(&PYTHON_PATH.get(), &[':', ','])
}

/// The directory of the virtual environment, if one is set.
pub(crate) fn virtualenv() -> Option<String> {
    Some(VIRTUALENV.get().trim().to_owned()).filter(|directory| !directory.is_empty())
}

/// The patterns of multicorn.allowed_wrappers.
pub(crate) fn allowed_wrappers() -> Vec<String> {
    list(&ALLOWED_WRAPPERS.get(), &[','])
}

/// The level of print(). May be read on any thread.
pub(crate) fn print_level() -> Level {
    PRINT_LEVEL.get()
}

/// How long a transaction hook or a clean-up may take.
pub(crate) fn hook_timeout() -> Duration {
    HOOK_TIMEOUT.get()
}

/// From now on the settings that Python was started with stay as they are.
pub(crate) fn freeze() {
    PYTHON_PATH.freeze();
    VIRTUALENV.freeze();
}
