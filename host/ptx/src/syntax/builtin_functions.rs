//! Functions that a kernel may call without defining them: those of CUDA's device runtime that
//! compilers call for `printf` and `assert`.

use crate::syntax::tree::{Formal, Function};

/// A function that the device provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltinFunction {
    /// `vprintf`: a format, and where its arguments lie. Returns how many it used.
    Print,
    /// `__assertfail`: a message, a file, a line, a function, and the size of a character.
    AssertFail,
}

/// Each function: its name, and the sizes of its results and parameters in bytes.
const FUNCTIONS: [(&str, BuiltinFunction, &[u32], &[u32]); 2] = [
    ("vprintf", BuiltinFunction::Print, &[4], &[8, 8]),
    (
        "__assertfail",
        BuiltinFunction::AssertFail,
        &[],
        &[8, 8, 4, 8, 8],
    ),
];

impl BuiltinFunction {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        let found = FUNCTIONS.iter().find(|row| row.1 == self);
        found.map_or("", |row| row.0)
    }

    /// What this function is that is only declared. One of another shape, or with a body, is the
    /// module's own affair.
    pub(crate) fn of(function: &Function) -> Option<BuiltinFunction> {
        if function.defined {
            return None;
        }
        let found = FUNCTIONS.iter().find(|row| row.0 == function.name)?;
        let fits = |formals: &[Formal], sizes: &[u32]| {
            formals.len() == sizes.len()
                && formals
                    .iter()
                    .zip(sizes)
                    .all(|(formal, bytes)| size(function, *formal) == Some(*bytes))
        };
        let (_, builtin, results, params) = *found;
        (fits(&function.results, results) && fits(&function.params, params)).then_some(builtin)
    }
}

fn size(function: &Function, formal: Formal) -> Option<u32> {
    match formal {
        Formal::Register(register) => Some(function.register_type(register).bytes()),
        Formal::Variable(index) => {
            let variable = function.variables.get(index as usize)?;
            Some(variable.bytes)
        }
    }
}
