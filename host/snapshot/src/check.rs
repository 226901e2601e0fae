//! What a manifest has to be before anything is made of it.

use std::collections::BTreeSet;

use crate::digest::is_digest;
use crate::limits::{
    ASSETS, BUFFERS, CHUNKS, JOBS, MOST_CHUNK_BYTES, NAME_BYTES, SETTINGS, VERSIONS,
    most_stored_bytes,
};
use crate::manifest::shown;
use crate::{ChunkEntry, Content, Error, Manifest, Version};

impl Manifest {
    /// Whether it is one that a writer makes: within the limits, with chunks that exist, names that
    /// name one thing each, and paths that stay where they belong.
    pub(crate) fn check_all(&self) -> Result<(), Error> {
        check_chunks(&self.chunks)?;
        check_contents(&self.chunks, self.contents())?;
        name("the program", &self.program)?;
        name("the function's id", &self.function.id)?;
        name("the function's name", &self.function.name)?;
        for host in self.function.outgoing_hosts.iter().flatten() {
            name("a host", host)?;
        }
        at_most("versions", self.versions.len(), VERSIONS)?;
        let weights: u32 = self.versions.iter().map(|one| u32::from(one.weight)).sum();
        if weights != 100 {
            return Err(Error::manifest(format!(
                "its versions get {weights} percent of the requests, and not 100"
            )));
        }
        distinct("version", self.versions.iter().map(|one| one.number))?;
        for version in &self.versions {
            version.check()?;
        }
        at_most("settings", self.settings.len(), SETTINGS)?;
        at_most("secrets", self.secrets.len(), SETTINGS)?;
        for key in self.settings.keys().chain(self.secrets.keys()) {
            name("a setting", key)?;
        }
        if let Some(both) = self
            .settings
            .keys()
            .find(|key| self.secrets.contains_key(*key))
        {
            return Err(Error::manifest(format!(
                "{} is a secret and none",
                shown(both)
            )));
        }
        at_most("jobs", self.jobs.len(), JOBS)?;
        distinct("job", self.jobs.iter().map(|job| &job.id))?;
        for job in &self.jobs {
            name("a job", &job.id)?;
            name("a method", &job.method)?;
            if !matches!(job.on_restart.as_str(), "run" | "lost") || job.backoff_ms < 0 {
                return Err(Error::manifest(format!(
                    "the job {} is none",
                    shown(&job.id)
                )));
            }
        }
        Ok(())
    }
}

/// Whether chunks are within the limits, and each is there once.
pub(crate) fn check_chunks(chunks: &[ChunkEntry]) -> Result<(), Error> {
    at_most("chunks", chunks.len(), CHUNKS)?;
    distinct("chunk", chunks.iter().map(|chunk| &chunk.digest))?;
    for chunk in chunks {
        if !is_digest(&chunk.digest) {
            return Err(Error::manifest(format!(
                "{} is no digest",
                shown(&chunk.digest)
            )));
        }
        let most = most_stored_bytes(chunk.bytes);
        if chunk.bytes > MOST_CHUNK_BYTES || chunk.stored > most || chunk.stored == 0 {
            return Err(Error::manifest(format!(
                "the chunk {} has {} bytes, stored in {}: a chunk has at most \
                 {MOST_CHUNK_BYTES}",
                chunk.digest, chunk.bytes, chunk.stored
            )));
        }
    }
    Ok(())
}

/// Whether contents are made of chunks that there are, and each chunk is of one.
pub(crate) fn check_contents<'a>(
    chunks: &[ChunkEntry],
    contents: impl IntoIterator<Item = (String, &'a Content)>,
) -> Result<(), Error> {
    let mut used = vec![false; chunks.len()];
    for (what, content) in contents {
        if !is_digest(&content.digest) {
            return Err(Error::manifest(format!("{what} has no digest")));
        }
        let mut bytes = 0;
        for place in &content.chunks {
            let place = *place as usize;
            let (Some(chunk), Some(used)) = (chunks.get(place), used.get_mut(place)) else {
                return Err(Error::manifest(format!("{what} has a chunk that is none")));
            };
            *used = true;
            bytes += u64::from(chunk.bytes);
        }
        if bytes != content.bytes {
            return Err(Error::manifest(format!(
                "{what} has {} bytes, and its chunks have {bytes}",
                content.bytes
            )));
        }
    }
    match used.iter().all(|used| *used) {
        true => Ok(()),
        false => Err(Error::manifest("it has a chunk that belongs to nothing")),
    }
}

impl Version {
    fn check(&self) -> Result<(), Error> {
        at_most("assets", self.assets.len(), ASSETS)?;
        at_most("buffers", self.buffers.len(), BUFFERS)?;
        distinct("asset", self.assets.iter().map(|asset| &asset.path))?;
        distinct("buffer", self.buffers.iter().map(|buffer| &buffer.name))?;
        for asset in &self.assets {
            path(&asset.path)?;
        }
        for buffer in &self.buffers {
            // An empty name is one.
            if buffer.name.len() > NAME_BYTES {
                return Err(Error::manifest("the name of a buffer is too long"));
            }
        }
        for import in self.granted.iter().chain(&self.denied) {
            name("an import", import)?;
        }
        Ok(())
    }
}

pub(crate) fn at_most(what: &str, count: usize, most: usize) -> Result<(), Error> {
    match count > most {
        true => Err(Error::manifest(format!(
            "it has {count} {what}, and {most} are read at most"
        ))),
        false => Ok(()),
    }
}

pub(crate) fn distinct<T: Ord + std::fmt::Debug>(
    what: &str,
    all: impl Iterator<Item = T>,
) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for one in all {
        if let Some(twice) = seen.replace(one) {
            let twice: String = format!("{twice:?}").chars().take(80).collect();
            return Err(Error::manifest(format!("it has the {what} {twice} twice")));
        }
    }
    Ok(())
}

pub(crate) fn name(what: &str, text: &str) -> Result<(), Error> {
    let fits = (1..=NAME_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    match fits {
        true => Ok(()),
        false => Err(Error::manifest(format!(
            "{} can't be the name of {what}",
            shown(text)
        ))),
    }
}

/// A path stays below the folder that it is below of.
fn path(text: &str) -> Result<(), Error> {
    name("an asset", text)?;
    let leaves = |part: &str| matches!(part, "" | "." | "..");
    if text.split('/').any(leaves) || text.contains('\\') {
        return Err(Error::manifest(format!(
            "{} can't be the path of an asset: it would leave its folder",
            shown(text)
        )));
    }
    Ok(())
}
