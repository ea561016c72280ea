//! What went wrong, as a value: SQLSTATE, message, DETAIL, HINT, CONTEXT and the object names that
//! the server's own errors carry. The danger is losing a part on the way through Python and back, so
//! one struct serves errors of both sides, and nothing but `pg::guard` turns it into an `ereport`.

/// A five-character SQLSTATE in the server's own packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SqlState(pub(crate) i32);

impl SqlState {
    pub(crate) const fn new(code: &[u8; 5]) -> Self {
        let mut packed = 0;
        let mut i = 0;
        while i < 5 {
            packed |= (((code[i] as i32) - 0x30) & 0x3f) << (6 * i);
            i += 1;
        }
        SqlState(packed)
    }

    /// The packed form of `code`, or `None` unless it is five of `[0-9A-Z]`.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let bytes: &[u8; 5] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()).then(|| Self::new(bytes))
    }

    /// A cancel, a time-out or the end of the session: Python has an exception of its own for them.
    pub(crate) fn is_cancel(self) -> bool {
        [Self::QUERY_CANCELED, Self::ADMIN_SHUTDOWN].contains(&self)
    }

    /// Class 57: somebody ends the statement, or the session.
    pub(crate) fn is_intervention(self) -> bool {
        self.text().starts_with("57")
    }

    pub(crate) fn text(self) -> String {
        (0..5).map(|i| char::from((((self.0 >> (6 * i)) & 0x3f) + 0x30) as u8)).collect()
    }

    pub(crate) const FDW_ERROR: Self = Self::new(b"HV000");
    pub(crate) const FDW_OPTION_NAME_NOT_FOUND: Self = Self::new(b"HV00J");
    pub(crate) const FDW_INVALID_OPTION_NAME: Self = Self::new(b"HV00D");
    pub(crate) const FDW_NO_SCHEMAS: Self = Self::new(b"HV00P");
    pub(crate) const FEATURE_NOT_SUPPORTED: Self = Self::new(b"0A000");
    pub(crate) const INSUFFICIENT_PRIVILEGE: Self = Self::new(b"42501");
    pub(crate) const INVALID_PARAMETER_VALUE: Self = Self::new(b"22023");
    pub(crate) const INVALID_TEXT_REPRESENTATION: Self = Self::new(b"22P02");
    pub(crate) const CHARACTER_NOT_IN_REPERTOIRE: Self = Self::new(b"22021");
    pub(crate) const UNTRANSLATABLE_CHARACTER: Self = Self::new(b"22P05");
    pub(crate) const NUMERIC_VALUE_OUT_OF_RANGE: Self = Self::new(b"22003");
    pub(crate) const DATATYPE_MISMATCH: Self = Self::new(b"42804");
    pub(crate) const OBJECT_NOT_IN_PREREQUISITE_STATE: Self = Self::new(b"55000");
    pub(crate) const CANT_CHANGE_RUNTIME_PARAM: Self = Self::new(b"55P02");
    pub(crate) const TRANSACTION_ROLLBACK: Self = Self::new(b"40000");
    pub(crate) const SERIALIZATION_FAILURE: Self = Self::new(b"40001");
    pub(crate) const SYNTAX_ERROR: Self = Self::new(b"42601");
    pub(crate) const DUPLICATE_COLUMN: Self = Self::new(b"42701");
    pub(crate) const UNDEFINED_OBJECT: Self = Self::new(b"42704");
    pub(crate) const NULL_VALUE_NOT_ALLOWED: Self = Self::new(b"22004");
    pub(crate) const DATA_EXCEPTION: Self = Self::new(b"22000");
    pub(crate) const UNDEFINED_COLUMN: Self = Self::new(b"42703");
    pub(crate) const UNDEFINED_FUNCTION: Self = Self::new(b"42883");
    pub(crate) const UNDEFINED_PARAMETER: Self = Self::new(b"42P02");
    pub(crate) const INDETERMINATE_DATATYPE: Self = Self::new(b"42P18");
    pub(crate) const INVALID_CURSOR_NAME: Self = Self::new(b"34000");
    pub(crate) const QUERY_CANCELED: Self = Self::new(b"57014");
    pub(crate) const ADMIN_SHUTDOWN: Self = Self::new(b"57P01");
    pub(crate) const OUT_OF_MEMORY: Self = Self::new(b"53200");
    pub(crate) const PROGRAM_LIMIT_EXCEEDED: Self = Self::new(b"54000");
    pub(crate) const INTERNAL_ERROR: Self = Self::new(b"XX000");
    /// An exception that a function of `LANGUAGE python` raised.
    pub(crate) const PYTHON_EXCEPTION: Self = Self::new(b"PY001");
    /// What `LANGUAGE python` demands of a function was not kept.
    pub(crate) const PYTHON_PROTOCOL: Self = Self::new(b"PY002");
    pub(crate) const EXTERNAL_ROUTINE_EXCEPTION: Self = Self::new(b"38000");
    pub(crate) const SUCCESS: Self = Self::new(b"00000");
    pub(crate) const WARNING: Self = Self::new(b"01000");
}

/// The server's `elevel`s (elog.h), which the generated bindings lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub(crate) enum Level {
    Debug2 = 13,
    Debug1 = 14,
    Log = 15,
    Info = 17,
    Notice = 18,
    Warning = 19,
    Error = 21,
    Fatal = 22,
}

/// Where in the server's source an error was raised; kept so that a rethrow reports the true place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Location {
    pub(crate) file: Option<&'static std::ffi::CStr>,
    pub(crate) function: Option<&'static std::ffi::CStr>,
    pub(crate) line: i32,
    /// Whose translations its texts are in.
    pub(crate) domain: Option<&'static std::ffi::CStr>,
    /// `errno` when it was raised.
    pub(crate) saved_errno: i32,
}

/// One error, all its parts in Rust's memory, so that it outlives the context that raised it.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) sqlstate: SqlState,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) detail_log: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) schema_name: Option<String>,
    pub(crate) table_name: Option<String>,
    pub(crate) column_name: Option<String>,
    pub(crate) datatype_name: Option<String>,
    pub(crate) constraint_name: Option<String>,
    pub(crate) internal_query: Option<String>,
    pub(crate) internal_position: i32,
    pub(crate) cursor_position: i32,
    pub(crate) location: Location,
    /// Without the CONTEXT that a language adds: the function and its traceback.
    pub(crate) bare: bool,
}

/// Why a callback cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Raised here: error-context callbacks still have to run.
    #[error("{}", .0.message)]
    Ours(Box<Report>),
    /// Raised by the server and caught: it is rethrown as it was.
    #[error("{}", .0.message)]
    Server(Box<Report>),
    /// A cancel, time-out or shutdown is pending: the server words it itself.
    #[error("interrupted")]
    Interrupted,
    /// `log_to_postgres(…, CRITICAL)`: the session ends.
    #[error("{}", .0.message)]
    Fatal(Box<Report>),
}

impl Report {
    pub(crate) fn new(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Report {
            sqlstate,
            message: message.into(),
            detail: None,
            detail_log: None,
            hint: None,
            context: None,
            schema_name: None,
            table_name: None,
            column_name: None,
            datatype_name: None,
            constraint_name: None,
            internal_query: None,
            internal_position: 0,
            cursor_position: 0,
            location: Location::default(),
            bare: false,
        }
    }

    /// What an exception of Python's says beside its text, by the names of its attributes.
    pub(crate) fn texts(&self) -> [(&'static str, &Option<String>); 7] {
        [
            ("detail", &self.detail),
            ("hint", &self.hint),
            ("context", &self.context),
            ("schema_name", &self.schema_name),
            ("table_name", &self.table_name),
            ("column_name", &self.column_name),
            ("constraint_name", &self.constraint_name),
        ]
    }

    /// Takes over the names of what the error is about, each as `find` gives it.
    pub(crate) fn name_objects<E>(
        &mut self,
        mut find: impl FnMut(&str) -> Result<Option<String>, E>,
    ) -> Result<(), E> {
        self.schema_name = find("schema_name")?;
        self.table_name = find("table_name")?;
        self.column_name = find("column_name")?;
        self.datatype_name = find("datatype_name")?;
        self.constraint_name = find("constraint_name")?;
        Ok(())
    }
}

impl Error {
    pub(crate) fn new(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Error::Ours(Box::new(Report::new(sqlstate, message)))
    }

    /// A broken promise inside the extension or of the server, never of the user.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(SqlState::INTERNAL_ERROR, message)
    }

    pub(crate) fn report_mut(&mut self) -> Option<&mut Report> {
        match self {
            Error::Ours(report) | Error::Server(report) | Error::Fatal(report) => Some(report),
            Error::Interrupted => None,
        }
    }

    pub(crate) fn report(&self) -> Option<&Report> {
        match self {
            Error::Ours(report) | Error::Server(report) | Error::Fatal(report) => Some(report),
            Error::Interrupted => None,
        }
    }

    /// Whether somebody ends the statement, or the session: it must not be caught.
    pub(crate) fn is_intervention(&self) -> bool {
        match self {
            Error::Interrupted | Error::Fatal(_) => true,
            Error::Ours(report) | Error::Server(report) => report.sqlstate.is_intervention(),
        }
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        if let Some(report) = self.report_mut() {
            report.detail = Some(detail.into());
        }
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(report) = self.report_mut() {
            report.hint = Some(hint.into());
        }
        self
    }

    /// Adds a line below the CONTEXT collected so far.
    pub(crate) fn context(mut self, line: impl AsRef<str>) -> Self {
        if let Some(report) = self.report_mut() {
            match &mut report.context {
                Some(context) => {
                    context.push('\n');
                    context.push_str(line.as_ref());
                }
                empty => *empty = Some(line.as_ref().to_owned()),
            }
        }
        self
    }

    /// An error of the parser points into `query`, a statement of ours, and not into that of the client.
    pub(crate) fn in_query(mut self, query: &str) -> Self {
        if let Some(report) = self.report_mut()
            && report.cursor_position > 0
        {
            report.internal_position = std::mem::take(&mut report.cursor_position);
            report.internal_query = Some(query.to_owned());
        }
        self
    }
}
