//! The folder of a model, whose small files each instance reads.

use std::cell::RefCell;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::layout::Layout;
use super::{COPY_AGAIN, Config, ModelError, OTHER_MODEL};
use crate::tokenizer::{Normalization, Tokenizer, Vocabulary};

/// Where models are, unless the variable `MODELS` says otherwise: where an operator mounts them, or where
/// a node has a function's assets.
const PLACES: [&str; 2] = ["/models", "/assets"];

/// The longest small file: more than any vocabulary that fits the bounds of a model has.
const MOST_BYTES: u64 = 16 << 20;

/// What a folder is a model by.
const CONFIG: &str = "config.json";

/// A folder that has a model.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    id: String,
}

/// What each request needs of a model but for its weights.
#[derive(Debug)]
pub struct Loaded {
    /// The name of the weights on the device: another for other files.
    pub name: String,
    /// Its sizes.
    pub config: Config,
    /// Where its weights lie in their buffer.
    pub layout: Layout,
    /// Makes tokens of texts.
    pub tokenizer: Tokenizer,
    /// The most tokens of a text.
    pub most_tokens: u32,
}

/// What sentence-transformers says in a file of its own.
#[derive(Default, Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<u32>,
}

/// How sentence-transformers makes one vector of those of all tokens.
#[derive(Deserialize)]
struct Pooling {
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
}

thread_local! {
    /// What the last request of this instance used, where it serves several.
    static LAST: RefCell<Option<Rc<Loaded>>> = const { RefCell::new(None) };
}

impl Folder {
    /// The models there are, by name.
    pub fn all() -> Vec<Folder> {
        let mut folders: Vec<Folder> = fs::read_dir(root())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().join(CONFIG).is_file())
            .filter_map(|entry| {
                Some(Folder {
                    path: entry.path(),
                    id: entry.file_name().into_string().ok()?,
                })
            })
            .collect();
        folders.sort_by(|a, b| a.id.cmp(&b.id));
        folders
    }

    /// The model of this name, if there is one.
    pub fn of(id: &str) -> Option<Folder> {
        // A name is that of a folder, and no path.
        let is_name = !id.is_empty() && !id.starts_with('.') && !id.contains(['/', '\\', '\0']);
        let path = root().join(id);
        (is_name && path.is_dir()).then(|| Folder {
            path,
            id: id.to_owned(),
        })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When its weights were written, in seconds since 1970.
    pub fn created(&self) -> u64 {
        let modified = fs::metadata(self.weights()).and_then(|data| data.modified());
        since_1970(modified.ok()).as_secs()
    }

    /// The file of its weights.
    pub fn weights(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Reads its small files, if the request before did not.
    ///
    /// # Errors
    /// Where one is missing or not as it should be.
    pub fn load(&self) -> Result<Rc<Loaded>, ModelError> {
        let path = self.path.join(CONFIG);
        let text = self.read(&path)?;
        let config: Config = parse(&path, &text)?;
        config
            .check()
            .map_err(|reason| file(&path, reason, OTHER_MODEL))?;
        let name = self.name(&text)?;
        let last = LAST.with_borrow(Clone::clone);
        if let Some(last) = last.filter(|last| last.name == name) {
            return Ok(last);
        }
        self.check_pooling()?;
        let said = self.optional::<SentenceConfig>("sentence_bert_config.json")?;
        let normalization = self.optional::<Normalization>("tokenizer_config.json")?;
        let path = self.path.join("vocab.txt");
        let vocabulary = Vocabulary::parse(self.read(&path)?, config.vocabulary as usize)
            .map_err(|error| file(&path, error, COPY_AGAIN))?;
        let loaded = Rc::new(Loaded {
            name,
            layout: Layout::of(&config),
            tokenizer: Tokenizer::new(vocabulary, normalization.unwrap_or_default()),
            most_tokens: config.most_tokens(said.unwrap_or_default().max_seq_length),
            config,
        });
        LAST.set(Some(Rc::clone(&loaded)));
        Ok(loaded)
    }

    /// Of the weights of a model and of what they are read by: another file has other ones.
    fn name(&self, config: &[u8]) -> Result<String, ModelError> {
        let path = self.weights();
        let data = fs::metadata(&path).map_err(|error| cannot(&path, "read", &error))?;
        let hash = config.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let modified = since_1970(data.modified().ok()).as_nanos();
        let id = &self.id[..self.id.floor_char_boundary(64)];
        // The last number is that of how the weights lie in their buffer.
        Ok(format!("{id} {hash:x} {} {modified} 2", data.len()))
    }

    fn check_pooling(&self) -> Result<(), ModelError> {
        match self.optional::<Pooling>("1_Pooling/config.json")? {
            Some(pooling) if !pooling.pooling_mode_mean_tokens => {
                let path = self.path.join("1_Pooling/config.json");
                Err(file(
                    &path,
                    "pooling_mode_mean_tokens is not true",
                    OTHER_MODEL,
                ))
            }
            _ => Ok(()),
        }
    }

    fn optional<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ModelError> {
        let path = self.path.join(name);
        match path.is_file() {
            true => Ok(Some(parse(&path, &self.read(&path)?)?)),
            false => Ok(None),
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, ModelError> {
        let open = fs::File::open(path);
        let mut bytes = Vec::new();
        open.and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| cannot(path, "read", &error))?;
        if bytes.len() as u64 > MOST_BYTES {
            let reason = format!("it is longer than {MOST_BYTES} bytes");
            return Err(file(path, reason, COPY_AGAIN));
        }
        Ok(bytes)
    }
}

/// The folder that has a folder for each model.
fn root() -> PathBuf {
    let said = std::env::var_os("MODELS").map(PathBuf::from);
    said.unwrap_or_else(|| {
        let found = PLACES.iter().find(|place| Path::new(place).is_dir());
        found.unwrap_or(&PLACES[0]).into()
    })
}

fn since_1970(time: Option<SystemTime>) -> std::time::Duration {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default()
}

fn parse<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, ModelError> {
    serde_json::from_slice(text).map_err(|error| {
        let reason = format!("it is not as expected: {error}");
        file(path, reason, COPY_AGAIN)
    })
}

/// An error of a file.
pub fn file(path: &Path, reason: impl ToString, cure: &'static str) -> ModelError {
    ModelError::File {
        file: path.display().to_string(),
        reason: reason.to_string(),
        cure,
    }
}

/// A file that cannot be read or opened.
pub fn cannot(path: &Path, what: &str, error: &std::io::Error) -> ModelError {
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot {what} it: {error}"),
    };
    file(path, reason, COPY_AGAIN)
}
