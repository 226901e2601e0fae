//! The journal of one request, and one call in it.

use super::encode::{Encoder, are_same};
use super::replaying::Replaying;
use super::taking::Taking;
use crate::lock::ignore_poison;
use crate::request::RequestTask;
use blake3::OutputReader;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use wasmtime::Result;

/// A store whose instance may have a journal.
pub(crate) trait JournalView {
    /// The journal of the request that the instance serves, where it is recorded or replayed.
    fn journal(&self) -> Option<&Arc<Journal>>;
}

/// The journal of one request. Where it is recorded, it is given away when the last one drops it that
/// writes in it.
pub(crate) struct Journal(Mutex<JournalState>);

/// What a handle of a guest stands for. Recordings number each kind from 1, in the order in which
/// they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Handle {
    Device,
    Buffer,
    Module,
    Kernel,
    Queue,
    Event,
}

impl Handle {
    fn name(self) -> &'static str {
        match self {
            Handle::Device => "device",
            Handle::Buffer => "buffer",
            Handle::Module => "module",
            Handle::Kernel => "kernel",
            Handle::Queue => "queue",
            Handle::Event => "event",
        }
    }
}

/// What a journal knows, while a call is written into it.
pub(crate) struct JournalState {
    pub(crate) encoder: Encoder,
    /// The numbers of the guest's handles.
    handles: HashMap<(Handle, u32), u64>,
    made: HashMap<Handle, u64>,
    /// The streams that read files.
    files: HashSet<u32>,
    /// The named buffers whose contents are known.
    names: HashSet<String>,
    random: [OutputReader; 2],
    /// What they follow from.
    seed: [u8; 32],
    mode: Mode,
}

enum Mode {
    Record(Box<Taking>),
    Replay(Box<Replaying>),
}

/// Which numbers a guest asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Random {
    Secure,
    Insecure,
}

/// A call that has begun.
pub(crate) enum Begun {
    /// It is not written down: the recording has as much as it may have.
    Unrecorded,
    /// Its end is to be written down.
    Recorded,
    /// It was recorded with this result.
    Replayed(Value),
}

impl Begun {
    /// What it was answered when it was recorded, where it is replayed.
    pub(crate) fn answered(&self) -> Option<&Value> {
        match self {
            Begun::Replayed(result) => Some(result),
            Begun::Unrecorded | Begun::Recorded => None,
        }
    }
}

impl Journal {
    pub(super) fn recording(encoder: Encoder, seed: &[u8; 32], taking: Taking) -> Journal {
        Journal::new(encoder, seed, Mode::Record(Box::new(taking)))
    }

    pub(super) fn replaying(encoder: Encoder, seed: &[u8; 32], replaying: Replaying) -> Journal {
        Journal::new(encoder, seed, Mode::Replay(Box::new(replaying)))
    }

    fn new(encoder: Encoder, seed: &[u8; 32], mode: Mode) -> Journal {
        Journal(Mutex::new(JournalState {
            encoder,
            handles: HashMap::new(),
            made: HashMap::new(),
            files: HashSet::new(),
            names: HashSet::new(),
            random: random_numbers(seed),
            seed: *seed,
            mode,
        }))
    }

    /// Its instance could not be made, and is made anew: what the start functions of its modules
    /// called is forgotten.
    pub(crate) fn begin_again(&self) {
        let state = &mut *self.lock();
        if let Mode::Record(taking) = &mut state.mode {
            taking.begin_again(&mut state.encoder);
            state.handles.clear();
            state.made.clear();
            state.files.clear();
            state.names.clear();
            state.encoder.redaction.forget_learned();
            state.random = random_numbers(&state.seed);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, JournalState> {
        ignore_poison(self.0.lock())
    }

    /// Begins a call with these arguments.
    ///
    /// # Errors
    ///
    /// Where a recording is replayed, and has no such call there: the guest is to end.
    pub(crate) fn begin(
        &self,
        name: &'static str,
        arguments: impl FnOnce(&mut JournalState) -> Value,
    ) -> Result<Begun> {
        let state = &mut *self.lock();
        let is_off = match &state.mode {
            Mode::Record(taking) => taking.is_truncated(),
            Mode::Replay(_) => false,
        };
        if is_off {
            return Ok(Begun::Unrecorded);
        }
        let mark = state.encoder.written();
        let arguments = arguments(state);
        match &mut state.mode {
            Mode::Record(taking) => {
                taking.begin(name, arguments, mark);
                Ok(Begun::Recorded)
            }
            Mode::Replay(replaying) => replaying.begin(name, arguments).map(Begun::Replayed),
        }
    }

    /// Ends a call whose result came from outside, or is compared where it is replayed.
    ///
    /// # Errors
    ///
    /// Where it was recorded with another result: the guest is to end.
    pub(crate) fn end(
        &self,
        begun: &Begun,
        result: impl FnOnce(&mut JournalState) -> Value,
    ) -> Result<()> {
        if let Begun::Unrecorded = begun {
            return Ok(());
        }
        let state = &mut *self.lock();
        let found = result(state);
        let found = state.encoder.error(found);
        match (&mut state.mode, begun) {
            (Mode::Record(taking), _) => {
                taking.end(&found, &mut state.encoder);
                Ok(())
            }
            (Mode::Replay(_), Begun::Replayed(expected)) if are_same(expected, &found) => Ok(()),
            (Mode::Replay(replaying), _) => {
                let expected = begun.answered().cloned().unwrap_or_default();
                Err(replaying.differs(expected, found))
            }
        }
    }

    /// Ends a replayed call that read bytes from the device. Returns those that the guest gets.
    ///
    /// # Errors
    ///
    /// Where they are others than were recorded, and not within the tolerance.
    pub(crate) fn end_read(&self, begun: &Begun, found: Vec<u8>) -> Result<Vec<u8>> {
        let first_difference = {
            let state = &mut *self.lock();
            let recorded = begun.answered().and_then(|result| result.get("ok"));
            let whole = recorded.and_then(|value| state.encoder.bytes(value));
            match (&mut state.mode, whole) {
                (Mode::Replay(replaying), Some(whole)) => {
                    // What is recorded is without what is left out.
                    let shown = state.encoder.redaction.bytes(&found);
                    if whole != shown && replaying.tolerates(&whole, &shown) {
                        return Ok(with_left_out(whole.into(), &shown, &found));
                    }
                    let mut pairs = whole.iter().zip(&shown);
                    pairs.position(|(one, other)| one != other)
                }
                _ => None,
            }
        };
        self.end(begun, |state| {
            let mut result = json!({ "ok": state.encoder.compared(&found) });
            if let (Some(at), Some(object)) = (first_difference, result.as_object_mut()) {
                object.insert("first_difference_at".to_owned(), Value::from(at));
            }
            result
        })?;
        Ok(found)
    }

    /// The next random numbers of the guest, which follow from the recording's seed.
    pub(crate) fn random(&self, which: Random, bytes: &mut [u8]) {
        let state = &mut *self.lock();
        let [secure, insecure] = &mut state.random;
        match which {
            Random::Secure => secure.fill(bytes),
            Random::Insecure => insecure.fill(bytes),
        }
    }

    /// Bytes that were recorded.
    pub(crate) fn bytes(&self, value: &Value) -> Option<Bytes> {
        self.lock().encoder.bytes(value)
    }

    /// A stream reads a file.
    pub(crate) fn file_opened(&self, stream: u32) {
        self.lock().files.insert(stream);
    }

    /// A stream is gone.
    pub(crate) fn file_closed(&self, stream: u32) {
        self.lock().files.remove(&stream);
    }

    /// Whether a stream reads a file.
    pub(crate) fn is_of_file(&self, stream: u32) -> bool {
        self.lock().files.contains(&stream)
    }

    /// The contents of a named buffer, which is there, are known from here on. Whether they were
    /// before, or nothing more is recorded.
    pub(crate) fn knows(&self, buffer: &str) -> bool {
        !self.has_room(buffer.len() as u64) || !self.lock().names.insert(buffer.to_owned())
    }

    /// Whether so many more bytes can be recorded, which are reserved then. If not, the recording ends
    /// here.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        let state = &mut *self.lock();
        match &mut state.mode {
            Mode::Record(taking) => taking.has_room(bytes, &mut state.encoder),
            Mode::Replay(_) => true,
        }
    }

    /// An instance is made for it.
    pub(crate) fn attach(self: Arc<Journal>) -> AttachedJournal {
        match &mut self.lock().mode {
            Mode::Record(taking) => taking.attach(),
            Mode::Replay(replaying) => {
                replaying.is_at_work.send_replace(true);
            }
        }
        AttachedJournal(self)
    }

    /// Whether it is of a recording that is replayed.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.lock().mode, Mode::Replay(_))
    }

    /// The guest gave a response with this status, or none, and why.
    pub(crate) fn responded(&self, outcome: std::result::Result<u16, &'static str>) {
        match &mut self.lock().mode {
            Mode::Record(taking) => taking.responded(outcome),
            Mode::Replay(replaying) => replaying.responded(outcome),
        }
    }

    /// Whose task the guest works on, where it is replayed.
    pub(crate) fn follow(&self, task: &Arc<RequestTask>) {
        if let Mode::Replay(replaying) = &mut self.lock().mode {
            replaying.task = Some(task.clone());
        }
    }
}

/// What was recorded, with the bytes that were left out of it as they are now. `shown` is what would be
/// recorded of what is `found` now.
fn with_left_out(mut recorded: Vec<u8>, shown: &[u8], found: &[u8]) -> Vec<u8> {
    for (byte, (shown, found)) in recorded.iter_mut().zip(shown.iter().zip(found)) {
        if shown != found {
            *byte = *found;
        }
    }
    recorded
}

/// The secure and the insecure random numbers that follow from a seed.
fn random_numbers(seed: &[u8; 32]) -> [OutputReader; 2] {
    [b"secure".as_slice(), b"insecure"].map(|what| {
        let mut hasher = blake3::Hasher::new_keyed(seed);
        hasher.update(what).finalize_xof()
    })
}

impl JournalState {
    /// Which one of its kind a guest's handle stands for.
    pub(crate) fn handle(&self, kind: Handle, rep: u32) -> Value {
        let number = self.handles.get(&(kind, rep)).copied().unwrap_or_default();
        Value::String(format!("{} {number}", kind.name()))
    }

    /// The guest was given a handle.
    pub(crate) fn made(&mut self, kind: Handle, rep: u32) -> Value {
        let number = self.made.entry(kind).or_default();
        *number += 1;
        self.handles.insert((kind, rep), *number);
        self.handle(kind, rep)
    }

    pub(super) fn replaying_mut(&mut self) -> Option<&mut Replaying> {
        match &mut self.mode {
            Mode::Replay(replaying) => Some(replaying),
            Mode::Record(_) => None,
        }
    }
}

/// The journal of an instance, for as long as there is the instance.
pub(crate) struct AttachedJournal(Arc<Journal>);

impl AttachedJournal {
    /// The journal.
    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.0
    }
}

impl Drop for AttachedJournal {
    fn drop(&mut self) {
        if let Mode::Replay(replaying) = &mut self.0.lock().mode {
            replaying.is_at_work.send_replace(false);
        }
    }
}

/// A recording is given away when the guest is gone, and so is its response.
impl Drop for Journal {
    fn drop(&mut self) {
        let state = self.0.get_mut();
        let state = ignore_poison(state);
        if let Mode::Record(taking) = &mut state.mode {
            taking.finish(&mut state.encoder);
        }
    }
}
