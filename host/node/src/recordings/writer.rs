//! Writes recordings, on a thread of its own: a request neither waits for the disk, nor fails with it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tensor_wasm_runtime::{
    HeldMemory, LogThrottle, RecordWhen, Recorded, RecorderConfig, RecordingMemory, RecordingSink,
    Redaction,
};
use tensor_wasm_snapshot::{Error, RecordedDevice};

use super::file::{COMPONENTS, component_name, encode};

/// What the name of a recording's file ends with.
const ENDING: &str = ".recording";

/// Recordings that wait to be written, whose memory counts until they are. One more is let go.
const WAITING: usize = 16;

/// How many folders of functions there are. The one gives way whose last recording is oldest.
const FOLDERS: usize = 256;

/// How many components are kept beside recordings, and how long they are together, in bytes. The
/// oldest give way: their recordings are replayed with `--component`.
const COMPONENT_FILES: usize = 256;
const COMPONENTS_BYTES: u64 = 1 << 30;

/// What is appended to the name of a file that is being written.
const PART: &str = ".part";

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
    memory: Arc<RecordingMemory>,
    queue: SyncSender<Pending>,
}

struct Pending {
    recorded: Recorded,
    folder: PathBuf,
    function: Option<String>,
    _held: Option<HeldMemory>,
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
            memory: Arc::new(RecordingMemory::new(
                options.max_bytes.saturating_mul(AT_ONCE),
            )),
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
        let folder = match function {
            Some(id) => options.directory.join(safe_name(id)),
            None => options.directory.clone(),
        };
        RecorderConfig {
            sink: Arc::new(Sink {
                components: options.directory.join(COMPONENTS),
                folder,
                function: function.map(str::to_owned),
                queue: self.queue.clone(),
                full: LogThrottle::default(),
            }),
            when: options.when,
            one_in: options.one_in,
            max_bytes: options.max_bytes,
            whole_bytes: options.whole_bytes,
            redaction: Redaction::of_names(options.redact.iter().cloned()).with_secrets(secrets),
            required: function.is_none(),
            held: self.memory.clone(),
        }
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

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
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
    queue: SyncSender<Pending>,
    full: LogThrottle,
}

impl RecordingSink for Sink {
    fn component(&self, digest: &str, bytes: &[u8]) {
        let Some(name) = component_name(digest) else {
            return;
        };
        let path = self.components.join(name);
        // One of another length was not written to its end when the machine stopped.
        if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
            return;
        }
        let written = make_room_for_component(&self.components, bytes.len() as u64)
            .and_then(|()| write_whole(&path, bytes));
        if let Err(error) = written {
            tracing::warn!(
                "the component of recordings can't be kept in {}: {error}; replay them with \
                 `--component`",
                path.display()
            );
        }
    }

    fn keep(&self, recorded: Recorded, held: HeldMemory) {
        let request_id = recorded.request.request_id.clone();
        let sent = self.queue.try_send(Pending {
            recorded,
            folder: self.folder.clone(),
            function: self.function.clone(),
            _held: Some(held),
        });
        let why = match sent {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "the disk is slower than requests are recorded",
            Err(TrySendError::Disconnected(_)) => "their writer has ended",
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
        let name = format!(
            "{:013}-{}{ENDING}",
            request.began_ms.max(0),
            safe_name(&request.request_id)
        );
        let path = pending.folder.join(name);
        let function = pending.function.as_deref();
        let file = encode(pending.recorded, function, self.device.as_ref())?;
        if pending.function.is_some() && !pending.folder.exists() {
            make_room_for_folder(&pending.folder)?;
        }
        make_folder(&pending.folder)?;
        self.make_room(&pending.folder)?;
        write_whole(&path, &file)?;
        Ok(path)
    }

    /// Removes the oldest recordings, so that there is room for one more.
    fn make_room(&self, folder: &Path) -> io::Result<()> {
        let mut names: Vec<OsString> = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(is_recording) {
                names.push(name);
            }
        }
        // Their names begin with when they were.
        names.sort();
        let spare = (names.len() + 1).saturating_sub(self.files.get());
        for name in names.iter().take(spare) {
            fs::remove_file(folder.join(name))?;
        }
        Ok(())
    }
}

/// Removes what was being written when a process before this one ended.
fn remove_parts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(|name| {
            let whole = name.strip_suffix(PART);
            whole.is_some_and(|whole| is_recording(whole) || is_component(whole))
        });
        if is_ours {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a file's name is one that a component gets here.
fn is_component(name: &str) -> bool {
    let digits = name.strip_suffix(".wasm");
    digits.is_some_and(|digits| component_name(&format!("blake3:{digits}")).is_some())
}

/// Removes the oldest components, so that there is room for one more.
fn make_room_for_component(folder: &Path, bytes: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_component) {
            let metadata = entry.metadata()?;
            files.push((metadata.modified()?, metadata.len(), entry.path()));
        }
    }
    files.sort();
    let mut count = files.len();
    let mut total = files.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    for (_, length, path) in files {
        if count < COMPONENT_FILES && total.saturating_add(bytes) <= COMPONENTS_BYTES {
            break;
        }
        fs::remove_file(path)?;
        count -= 1;
        total -= length;
    }
    Ok(())
}

/// Removes the recordings of a function, so that there is room for the folder of one more.
fn make_room_for_folder(folder: &Path) -> io::Result<()> {
    let Some(above) = folder.parent() else {
        return Ok(());
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(above)? {
        let path = entry?.path();
        if !path.is_dir() || path.ends_with(COMPONENTS) {
            continue;
        }
        let names =
            fs::read_dir(&path)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let recordings: Vec<_> = names.filter(|name| is_recording(name)).collect();
        if let Some(last) = recordings.iter().max() {
            folders.push((last.clone(), path, recordings));
        }
    }
    folders.sort();
    let spare = (folders.len() + 1).saturating_sub(FOLDERS);
    for (_, path, recordings) in folders.iter().take(spare) {
        for name in recordings {
            fs::remove_file(path.join(name))?;
        }
        // Where somebody put something else into it, it stays.
        let _ = fs::remove_dir(path);
    }
    Ok(())
}

/// Whether a file's name is one that is given here: nothing else is ever removed.
fn is_recording(name: &str) -> bool {
    let time = name.get(..13).unwrap_or_default();
    name.ends_with(ENDING)
        && time.bytes().all(|byte| byte.is_ascii_digit())
        && name.as_bytes().get(13) == Some(&b'-')
}

/// Writes a file that is there as a whole or not at all. Others can't read it.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = path.to_owned().into_os_string();
    part.push(PART);
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&part)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&part, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
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
            function: None,
            _held: None,
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
    fn functions_that_come_and_go_leave_so_many_folders_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..FOLDERS as i64 + 3 {
            let function = folder.path().join(number.to_string());
            let mut pending = pending(&function, "a", number);
            pending.function = Some(number.to_string());
            writer(2).write(pending).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), FOLDERS);
        assert!(!folder.path().join("0").exists());
    }

    #[test]
    fn components_give_way_and_what_was_not_written_to_its_end_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let name = |number: usize| format!("{number:064x}.wasm");
        for number in 0..COMPONENT_FILES + 2 {
            make_room_for_component(folder.path(), 1).unwrap();
            write_whole(&folder.path().join(name(number)), b"a").unwrap();
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            COMPONENT_FILES
        );
        make_room_for_component(folder.path(), COMPONENTS_BYTES).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        for other in [format!("{}.part", name(1)), "mine.part".to_owned()] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        remove_parts(folder.path()).unwrap();
        assert!(folder.path().join("mine.part").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
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
}
