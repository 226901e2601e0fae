//! Why spans can't be exported.

use std::io;

use tensor_wasm_runtime::HttpTrustError;
use thiserror::Error;

/// Why spans can't be exported as the environment says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TracesError {
    /// A variable has a value that can't be used. The value is not shown where it may hold a
    /// secret.
    #[error("the variable {variable} can't be used: {problem}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The authorities that the collector is verified by can't be used.
    #[error("the collector of traces can't be verified")]
    Trust(#[source] HttpTrustError),
    /// The system refuses the thread that exports.
    #[error("the thread that exports traces can't be started")]
    Thread(#[source] io::Error),
}
