//! The journal of one request: each call of its guest by which something comes from outside of the
//! instance, with what the guest was answered, as record and replay need it (`rr`, O'Callahan et al.,
//! "Engineering Record and Replay for Deployability", 2017).
//!
//! Where requests are recorded, a [`Journal`] takes down what calls answer. Where a recording is
//! replayed, it answers from there what came from outside ([`Begun::answered`]), has computed again
//! what the device computes, and compares. The functions of the host that do so are linked in place
//! of the others, and only there: where neither is done, no call of a guest asks for a journal.
//!
//! A guest of WASI 0.2 makes one call at a time, so the order of its calls is the order of the
//! journal.

mod budget;
mod call;
mod encode;
mod ending;
mod entry;
mod hidden_values;
mod recorded;
mod recorder;
mod redact;
mod replay;
mod replaying;
mod taking;
#[cfg(test)]
mod tests;

pub use budget::{BudgetShare, HeldShare, RecordingBudget};
pub(crate) use call::{compared, input, input_async};
pub(crate) use encode::Encoder;
pub use ending::Ending;
pub(crate) use entry::{
    AttachedJournal, Begun, Handle, Journal, JournalState, JournalView, Random,
};
pub use recorded::{RecordWhen, Recorded, RecordedRequest, RecordingSink};
pub use recorder::{Recorder, RecorderConfig};
pub use redact::Redaction;
pub(crate) use redact::Sender;
pub use replay::{Replay, ReplayUnreadable};
pub use replaying::{Call, Difference, ReplayOutcome, Tolerance};
