//! Recordings of requests: the files in which they are kept, and running one again.
//!
//! The runtime writes down what a guest's calls answer ([`tensor_wasm_runtime::RecorderConfig`]). Here
//! recordings become files, within bounds, and nothing that fails on the way fails a request
//! ([`Recordings`]); files are read again, and what they name is never a path ([`read`]); and a request
//! is run again on the processor ([`replay()`]).

mod file;
mod folder;
mod replay;
mod writer;

pub use file::{ReadRecording, RecordingError, component_path, read};
pub use replay::{ReplayError, ReplayOptions, replay};
pub use writer::{RecordOptions, Recordings};
