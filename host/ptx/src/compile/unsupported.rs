//! Why a kernel is not compiled.

use std::fmt;

/// Why a kernel is not compiled; the interpreter runs it then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unsupported {
    /// Of what kind the reason is.
    pub kind: UnsupportedKind,
    /// The line of the text, counting from 1, where one is to blame.
    pub line: Option<u32>,
    /// What cannot be compiled.
    pub what: String,
}

/// The kinds of reasons why a kernel is not compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsupportedKind {
    /// The compiler has no code for something in it.
    Construct,
    /// It is larger than what is worth compiling.
    Limit,
    /// The compiler contradicted itself: a mistake in the compiler, which must not become wrong code.
    Internal,
    /// Nobody waits for the result any more: see
    /// [`compile_unless`](crate::compile::compile_unless). It says nothing about the kernel.
    Cancelled,
}

impl Unsupported {
    /// An instruction, at this line, that has no translation.
    pub(crate) fn construct(line: u32, what: impl Into<String>) -> Unsupported {
        Unsupported {
            kind: UnsupportedKind::Construct,
            line: Some(line),
            what: what.into(),
        }
    }

    /// Something about the kernel as a whole that has no translation.
    pub(crate) fn kernel(what: impl Into<String>) -> Unsupported {
        Unsupported {
            kind: UnsupportedKind::Construct,
            line: None,
            what: what.into(),
        }
    }

    /// A kernel that is too large.
    #[must_use]
    pub fn limit(what: impl Into<String>) -> Unsupported {
        Unsupported {
            kind: UnsupportedKind::Limit,
            line: None,
            what: what.into(),
        }
    }

    /// A compilation that nobody waits for.
    pub(crate) fn cancelled() -> Unsupported {
        Unsupported {
            kind: UnsupportedKind::Cancelled,
            line: None,
            what: "the compilation was cancelled".to_owned(),
        }
    }

    /// A mistake of the compiler. It ends the process where assertions are on.
    #[track_caller]
    pub(crate) fn internal(what: impl Into<String>) -> Unsupported {
        let what = what.into();
        debug_assert!(false, "the compiler contradicts itself: {what}");
        Unsupported {
            kind: UnsupportedKind::Internal,
            line: None,
            what,
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match (self.kind, self.line) {
            (UnsupportedKind::Internal, _) => {
                write!(f, "not compiled: the compiler contradicts itself: {what}")
            }
            (_, Some(line)) => write!(f, "line {line}: {what} is not compiled"),
            (_, None) => write!(f, "not compiled: {what}"),
        }
    }
}
