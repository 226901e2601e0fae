//! Writes recordings, on a thread of its own: a request neither waits for the disk, nor fails with it.

use std::collections::HashMap;
use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tensor_wasm_runtime::{
    BudgetShare, HeldShare, LogThrottle, RecordWhen, Recorded, RecorderConfig, RecordingBudget,
    RecordingSink, Redaction,
};
use tensor_wasm_snapshot::{Error, RecordedDevice};

use super::file::{COMPONENTS, encode};
use super::folder::{
    self, make_folder, make_room_for_folder, make_room_for_recording, remove_parts, write_whole,
};

/// Recordings that wait to be written, whose memory counts until they are. One more is let go.
const WAITING: usize = 16;

/// How many recordings of the greatest length may be taken at one time.
const AT_ONCE: usize = 8;

/// The longest part of a request's id in a file's name, in bytes.
const ID_BYTES: usize = 64;

/// How requests are recorded.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// Where recordings go. It is made where it is missing.
    pub directory: PathBuf,
    /// Which are kept.
    pub when: RecordWhen,
    /// Of how many requests one is recorded.
    pub one_in: NonZeroU32,
    /// What one recording may have, in bytes, before it is compressed.
    pub max_bytes: usize,
    /// What results of the device, and what guests write, are kept whole up to, in bytes.
    pub whole_bytes: usize,
    /// How many files are kept, for each function on a node. The oldest gives way.
    pub files: NonZeroUsize,
    /// Names of headers, query parameters, environment variables and settings whose values are left
    /// out, beside those that always are.
    pub redact: Vec<String>,
    /// The functions of a node whose requests are recorded, by id or name. All, where there is none.
    pub functions: Vec<String>,
}

/// The recordings of a host.
pub struct Recordings {
    options: RecordOptions,
    device: Option<RecordedDevice>,
    /// The memory of those that are being taken or wait to be written.
    memory: Arc<RecordingBudget>,
    /// The places of those that wait.
    places: Arc<RecordingBudget>,
    /// What each function has of both, as long as one of its versions is loaded.
    shares: Mutex<HashMap<String, FunctionShares>>,
    queue: SyncSender<Pending>,
}

/// What a function has of memory and places.
struct FunctionShares {
    memory: Weak<BudgetShare>,
    places: Weak<BudgetShare>,
}

struct Pending {
    recorded: Recorded,
    folder: PathBuf,
    components: PathBuf,
    function: Option<String>,
    _held: Vec<HeldShare>,
}

impl Recordings {
    /// Opens the directory, and starts the thread that writes.
    ///
    /// # Errors
    ///
    /// Where the directory can't be made or written.
    pub fn open(options: RecordOptions, device: Option<RecordedDevice>) -> io::Result<Recordings> {
        make_folder(&options.directory)?;
        let components = options.directory.join(COMPONENTS);
        make_folder(&components)?;
        remove_parts(&options.directory)?;
        remove_parts(&components)?;
        let (queue, pending) = sync_channel(WAITING);
        let writer = Writer {
            device: device.clone(),
            files: options.files,
            failing: LogThrottle::default(),
        };
        std::thread::Builder::new()
            .name("recordings".to_owned())
            .spawn(move || writer.run(&pending))?;
        Ok(Recordings {
            memory: RecordingBudget::new(options.max_bytes.saturating_mul(AT_ONCE)),
            places: RecordingBudget::new(WAITING),
            shares: Mutex::default(),
            device,
            queue,
            options,
        })
    }

    /// How requests of the application are recorded that is served.
    pub(crate) fn of_application(&self) -> RecorderConfig {
        self.config(None, Vec::new())
    }

    /// How requests of a function of a node are recorded, if they are. `secrets` are the names of
    /// settings that are secret.
    pub(crate) fn of_function(
        &self,
        id: &str,
        name: &str,
        secrets: Vec<String>,
    ) -> Option<RecorderConfig> {
        let listed = &self.options.functions;
        let is_recorded = listed.is_empty() || listed.iter().any(|one| one == id || one == name);
        is_recorded.then(|| self.config(Some(id), secrets))
    }

    fn config(&self, function: Option<&str>, secrets: Vec<String>) -> RecorderConfig {
        let options = &self.options;
        let (folder, (memory, places)) = match function {
            Some(id) => (options.directory.join(safe_name(id)), self.shares_of(id)),
            None => {
                let shares = (self.memory.whole(), self.places.whole());
                (options.directory.clone(), shares)
            }
        };
        RecorderConfig {
            sink: Arc::new(Sink {
                components: options.directory.join(COMPONENTS),
                folder,
                function: function.map(str::to_owned),
                places,
                queue: self.queue.clone(),
                full: LogThrottle::default(),
            }),
            when: options.when,
            one_in: options.one_in,
            max_bytes: options.max_bytes,
            whole_bytes: options.whole_bytes,
            redaction: Redaction::of_names(options.redact.iter().cloned()).with_secrets(secrets),
            required: function.is_none(),
            memory,
        }
    }

    /// What a function has of memory and places, whichever of its versions are loaded.
    fn shares_of(&self, id: &str) -> (Arc<BudgetShare>, Arc<BudgetShare>) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it grows, those go that nobody uses.
        if shares.len() == shares.capacity() {
            shares.retain(|_, one| one.memory.strong_count() + one.places.strong_count() > 0);
        }
        let known = shares.get(id);
        let memory = known.and_then(|known| known.memory.upgrade());
        let memory = memory.unwrap_or_else(|| self.memory.share());
        let places = known.and_then(|known| known.places.upgrade());
        let places = places.unwrap_or_else(|| self.places.share());
        let known = FunctionShares {
            memory: Arc::downgrade(&memory),
            places: Arc::downgrade(&places),
        };
        shares.insert(id.to_owned(), known);
        (memory, places)
    }

    /// What is said at the start of how recordings can be replayed.
    pub fn warn(&self) {
        tracing::info!(
            "requests are recorded in {}: what guests get and send is readable there, but for what is \
             redacted",
            self.options.directory.display()
        );
        if let Some(device) = &self.device
            && device.backend == "cuda"
        {
            tracing::warn!(
                "recordings of {} are replayed on the processor, whose floating-point results may \
                 differ in their last bits: replay them with `--tolerance`",
                device.name
            );
        }
    }
}

/// A text as a part of a file's name: what could be anything else becomes `_`.
fn safe_name(text: &str) -> String {
    let safe = text.bytes().take(ID_BYTES).map(|byte| {
        let is_safe = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if is_safe { char::from(byte) } else { '_' }
    });
    safe.collect()
}

/// Takes the recordings of one component.
struct Sink {
    components: PathBuf,
    folder: PathBuf,
    function: Option<String>,
    places: Arc<BudgetShare>,
    queue: SyncSender<Pending>,
    full: LogThrottle,
}

impl RecordingSink for Sink {
    fn component(&self, digest: &str, bytes: &[u8]) {
        if let Err(error) = folder::keep_component(&self.components, digest, bytes) {
            tracing::warn!(
                "the component of recordings can't be kept in {}: {error}; replay them with \
                 `--component`",
                self.components.display()
            );
        }
    }

    fn keep(&self, recorded: Recorded, held: HeldShare) {
        let request_id = recorded.request.request_id.clone();
        let why = match self.places.hold(1) {
            Some(place) => {
                let sent = self.queue.try_send(Pending {
                    recorded,
                    folder: self.folder.clone(),
                    components: self.components.clone(),
                    function: self.function.clone(),
                    _held: vec![held, place],
                });
                match sent {
                    Ok(()) => return,
                    // There are as many places as the queue has.
                    Err(_) => "their writer has ended",
                }
            }
            None => "the disk is slower than requests are recorded",
        };
        if self.full.due() {
            tracing::warn!(request_id, "recordings are lost: {why}");
        }
    }
}

/// The thread that writes.
struct Writer {
    device: Option<RecordedDevice>,
    files: NonZeroUsize,
    failing: LogThrottle,
}

impl Writer {
    fn run(&self, pending: &Receiver<Pending>) {
        while let Ok(pending) = pending.recv() {
            let request_id = pending.recorded.request.request_id.clone();
            let folder = pending.folder.clone();
            match self.write(pending) {
                Ok(path) => {
                    tracing::info!(request_id, "the request is recorded in {}", path.display());
                }
                Err(error) if self.failing.due() => tracing::warn!(
                    request_id,
                    "recordings are lost: they can't be written to {}: {}",
                    folder.display(),
                    match &error {
                        Error::Io(cause) => cause.to_string(),
                        error => error.to_string(),
                    }
                ),
                Err(_) => {}
            }
        }
    }

    fn write(&self, pending: Pending) -> Result<PathBuf, Error> {
        let request = &pending.recorded.request;
        let name = folder::recording_name(request.began_ms, &safe_name(&request.request_id));
        let path = pending.folder.join(name);
        let component = request.component.clone();
        let function = pending.function.as_deref();
        let file = encode(pending.recorded, function, self.device.as_ref())?;
        if pending.function.is_some() && !pending.folder.exists() {
            make_room_for_folder(&pending.folder)?;
        }
        make_folder(&pending.folder)?;
        make_room_for_recording(&pending.folder, self.files)?;
        write_whole(&path, &file)?;
        // Components give way whose last recordings are oldest.
        folder::touch_component(&pending.components, &component);
        Ok(path)
    }
}
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::path::Path;
    use tensor_wasm_runtime::{Ending, RecordedRequest};

    fn recorded(request_id: &str, began_ms: i64) -> Recorded {
        Recorded {
            request: RecordedRequest {
                request_id: request_id.to_owned(),
                began_ms,
                tenant: None,
                method: "GET".to_owned(),
                target: "/".to_owned(),
                headers: vec![("host".to_owned(), b"\xffhost".to_vec())],
                component: format!("blake3:{}", "ab".repeat(32)),
                environment: Vec::new(),
                settings: Vec::new(),
                directories: Vec::new(),
                memory_bytes: 1,
                seed: [7; 32],
                redacted_names: Vec::new(),
                redacted: Vec::new(),
            },
            ending: Ending::default(),
            truncated: false,
            calls: 0,
            // The same chunk twice is in the file once.
            journal: b"\n".to_vec(),
            data: b"\n".to_vec(),
        }
    }

    fn writer(files: usize) -> Writer {
        Writer {
            device: None,
            files: NonZeroUsize::new(files).unwrap(),
            failing: LogThrottle::default(),
        }
    }

    fn pending(folder: &Path, request_id: &str, began_ms: i64) -> Pending {
        Pending {
            recorded: recorded(request_id, began_ms),
            folder: folder.to_owned(),
            components: folder.join(COMPONENTS),
            function: None,
            _held: Vec::new(),
        }
    }

    #[test]
    fn a_recording_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = writer(2).write(pending(folder.path(), "a", 1)).unwrap();
        let read = crate::recordings::read(&path).unwrap();
        assert_eq!(read.recorded, recorded("a", 1));
    }

    #[test]
    fn the_oldest_recordings_give_way_and_no_other_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("notes.recording");
        fs::write(&other, "mine").unwrap();
        for number in 1..=5 {
            let pending = pending(folder.path(), &number.to_string(), number);
            writer(2).write(pending).unwrap();
        }
        let entries = fs::read_dir(folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(
            names,
            [
                "0000000000004-4.recording",
                "0000000000005-5.recording",
                "notes.recording"
            ]
        );
    }

    #[test]
    fn the_id_of_a_request_is_no_path() {
        let folder = tempfile::tempdir().unwrap();
        let pending = pending(folder.path(), "../../etc/passwd\0", 1);
        let path = writer(2).write(pending);
        // Its control character is refused by the format.
        assert!(path.is_err());
        let path = writer(2).write(self::pending(folder.path(), "../../etc/passwd", 1));
        assert_eq!(path.unwrap().parent(), Some(folder.path()));
    }

    #[test]
    fn a_folder_that_can_t_be_written_is_an_error_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(writer(2).write(pending(&file, "a", 1)).is_err());
    }

    fn recordings(folder: &Path) -> Recordings {
        let options = RecordOptions {
            directory: folder.to_owned(),
            when: RecordWhen::All,
            one_in: NonZeroU32::MIN,
            max_bytes: 100,
            whole_bytes: 100,
            files: NonZeroUsize::MIN,
            redact: Vec::new(),
            functions: Vec::new(),
        };
        Recordings::open(options, None).unwrap()
    }

    #[test]
    fn a_function_has_one_share_whichever_of_its_versions_are_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = recordings(folder.path());
        let memory = |id: &str| recordings.of_function(id, id, Vec::new()).unwrap().memory;
        let (first, second, other) = (memory("a"), memory("a"), memory("b"));
        assert!(Arc::ptr_eq(&first, &second));
        // Half of all is for one alone, and what it leaves is not for it.
        let held = first.hold(400).unwrap();
        assert!(second.hold(1).is_none());
        assert!(other.hold(200).is_some());
        // Where there is one application, all is for it.
        drop(held);
        let application = recordings.of_application().memory;
        assert!(application.hold(800).is_some());
        drop((first, second));
        assert!(!Arc::ptr_eq(&memory("a"), &other));
    }
}
