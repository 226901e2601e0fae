//! What a node has beside its functions, as a file: which functions and snapshots there are, what all
//! functions used, the jobs that have ended, the hashes of tokens, and the end of the audit log. Usage and
//! jobs come back from it; tokens and the audit log are files of the operator, which `tensor-wasm snapshot
//! prepare` makes of it before a node is started.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tensor_wasm_snapshot::{
    AuditPosition, Content, Decoder, Event, FileManifest, KeptSnapshot, Keys, NodeFunction,
    NodeManifest,
};

use super::SnapshotError;
use super::contents::{Pins, digest_of};
use super::download::SnapshotDownload;
use super::node_contents::ContentWriter;
use super::node_jobs::{ImportLimits, JobReader};
use crate::functions::Functions;
use crate::storage::node_state::StateImport;
use crate::storage::usage::{Amounts, UsageKey};
use crate::to_its_end::to_its_end;

/// Rows of usage that are read or written at one time.
const PAGE: u32 = 10_000;

/// The longest line of a file's usage, in bytes. A writer's have some hundred.
const LONGEST_LINE: usize = 16 << 10;

/// What a node knows beside its storage.
#[derive(Default)]
pub(crate) struct NodeFacts {
    /// Lines of a token file, each with a hash.
    pub(crate) tokens: Vec<String>,
    /// How many tokens there are in the clear.
    pub(crate) tokens_left_out: u64,
    /// The last record of the audit log.
    pub(crate) audit: Option<AuditPosition>,
}

/// What was taken from a file.
pub(crate) struct ImportedState {
    /// Records of usage that were added.
    pub(crate) usage_added: u64,
    /// Records that were there: of the same function and hour.
    pub(crate) usage_known: u64,
    /// Jobs that were added.
    pub(crate) jobs_added: u64,
    /// Jobs that were there.
    pub(crate) jobs_known: u64,
}

/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// How far the clock of a node that counted may have been ahead, in hours: a year.
const MOST_AHEAD: i64 = 366 * 24;

/// More of anything than a function can use in an hour, and far from what the database can hold of a sum.
const MOST_USED: u64 = 1 << 60;

/// A line of a file's usage: what a function used in an hour.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageLine {
    /// Hours since 1970, UTC.
    hour: i64,
    tenant: u64,
    function_id: String,
    function_name: String,
    requests: u64,
    failures: u64,
    wall_us: u64,
    request_bytes: u64,
    response_bytes: u64,
    guest_ns: u64,
    device_ns: u64,
    launches: u64,
    device_byte_ms: u64,
}

impl Functions {
    /// Makes the file, with jobs that have ended or without. Its contents are in the store until the
    /// download is at its end.
    pub(crate) async fn node_state(
        self: &Arc<Self>,
        facts: NodeFacts,
        with_jobs: bool,
    ) -> Result<SnapshotDownload, SnapshotError> {
        self.store_usage().await?;
        let pins = Pins::new(self.clone());
        let mut writer = ContentWriter::new(&pins);
        let database = self.storage.snapshots()?;
        let functions = database.all_functions().await?;
        let snapshots = database.all_snapshots().await?;
        let created_ms = self.clock().now_ms();
        let usage = self.save_usage(&mut writer).await?;
        let jobs = match with_jobs {
            true => self.save_jobs(&mut writer).await?,
            false => writer.finish().await?,
        };
        for line in &facts.tokens {
            writer.write(line.as_bytes()).await?;
            writer.write(b"\n").await?;
        }
        let manifest = NodeManifest {
            program: format!("tensor-wasm {}", env!("CARGO_PKG_VERSION")),
            created_ms,
            functions: functions
                .into_iter()
                .map(|(tenant, id, name)| NodeFunction { tenant, id, name })
                .collect(),
            snapshots: snapshots
                .into_iter()
                .map(|(tenant, id, head)| KeptSnapshot { tenant, id, head })
                .collect(),
            usage,
            jobs,
            tokens: writer.finish().await?,
            tokens_left_out: facts.tokens_left_out,
            audit: facts.audit,
            chunks: writer.into_entries(),
        };
        let head = manifest.head(&self.host.snapshot_keys)?;
        let digest = digest_of(&head);
        let mut parts = vec![(digest.clone(), head.len() as u64)];
        pins.put_uncharged(&digest, head.into()).await?;
        let chunks = manifest.chunks.into_iter();
        parts.extend(chunks.map(|chunk| (chunk.digest, u64::from(chunk.stored))));
        Ok(SnapshotDownload::of(self.clone(), parts, Some(pins)))
    }

    async fn save_usage(&self, writer: &mut ContentWriter<'_>) -> Result<Content, SnapshotError> {
        let database = self.storage.snapshots()?;
        let mut after = None;
        loop {
            let page = database.all_usage(after.as_ref(), PAGE).await?;
            for (key, amounts) in &page {
                let line = serde_json::to_vec(&UsageLine::of(key, amounts)).unwrap_or_default();
                writer.write(&line).await?;
                writer.write(b"\n").await?;
            }
            let is_last = page.len() < PAGE as usize;
            after = page.into_iter().last().map(|(key, _)| key);
            if is_last {
                return writer.finish().await;
            }
        }
    }

    /// Begins to take such a file.
    pub(crate) fn node_state_upload(self: &Arc<Self>) -> NodeStateUpload {
        NodeStateUpload {
            decoder: Decoder::of(self.host.snapshot_keys.clone()),
            pins: Pins::new(self.clone()),
        }
    }
}

/// A file that is arriving.
pub(crate) struct NodeStateUpload {
    decoder: Decoder<Arc<Keys>, NodeManifest>,
    pins: Pins,
}

impl NodeStateUpload {
    /// Takes the next bytes of the file.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.decoder.push(bytes);
        while let Some(event) = self.decoder.next_event()? {
            if let Event::Chunk(_, chunk) = event {
                let stored = Bytes::from(chunk.stored);
                self.pins.put_uncharged(&chunk.entry.digest, stored).await?;
            }
        }
        Ok(())
    }

    /// Adds the usage and the jobs of a file that has arrived as a whole: all of it or nothing.
    pub(crate) async fn finish(self) -> Result<ImportedState, SnapshotError> {
        to_its_end(async move {
            let (manifest, _) = self.decoder.finish()?;
            let imported = import(&self.pins, &manifest).await;
            self.pins.release(false).await;
            imported
        })
        .await
    }
}

async fn import(pins: &Pins, manifest: &NodeManifest) -> Result<ImportedState, SnapshotError> {
    let functions = pins.functions();
    let mut adding = functions.storage.snapshots()?.begin_state_import().await?;
    let now_ms = functions.clock().now_ms();
    let (added, known) = import_usage(functions, manifest, &mut adding, now_ms).await?;
    let limits = ImportLimits {
        now_ms,
        stored_bytes: functions.limits().stored_bytes,
    };
    let mut jobs = JobReader::default();
    for place in &manifest.jobs.chunks {
        let bytes = functions.unpacked_at(manifest, *place).await?;
        jobs.push(&bytes, &mut adding, &limits).await?;
    }
    jobs.finish()?;
    adding.commit().await?;
    Ok(ImportedState {
        usage_added: added,
        usage_known: known,
        jobs_added: jobs.added,
        jobs_known: jobs.known,
    })
}

/// Adds usage. Returns how many records were added, and how many were there.
async fn import_usage(
    functions: &Functions,
    manifest: &NodeManifest,
    adding: &mut StateImport,
    now_ms: i64,
) -> Result<(u64, u64), SnapshotError> {
    let (mut added, mut known) = (0, 0);
    let mut rest = Vec::new();
    let mut add = async |lines: &[u8]| -> Result<(), SnapshotError> {
        let lines = lines.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            let line: UsageLine = serde_json::from_slice(line).map_err(|error| {
                SnapshotError::Unfit(format!("a line of its usage is none: {error}"))
            })?;
            line.check(now_ms)?;
            let (key, amounts) = line.row();
            match adding.add_usage(&key, &amounts).await? {
                true => added += 1,
                false => known += 1,
            }
        }
        Ok(())
    };
    for place in &manifest.usage.chunks {
        rest.extend(functions.unpacked_at(manifest, *place).await?);
        let whole = rest.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |last| last + 1);
        if rest.len() - whole > LONGEST_LINE {
            let problem = "a line of its usage is too long";
            return Err(SnapshotError::Unfit(problem.to_owned()));
        }
        add(rest.get(..whole).unwrap_or_default()).await?;
        rest.drain(..whole);
    }
    add(&rest).await?;
    Ok((added, known))
}

impl Functions {
    /// A chunk of the state of a node, by its place.
    async fn unpacked_at(
        &self,
        manifest: &NodeManifest,
        place: u32,
    ) -> Result<Vec<u8>, SnapshotError> {
        let entry = manifest.chunks.get(place as usize);
        let entry = entry.ok_or(SnapshotError::damaged("the state of a node"))?;
        self.unpacked(entry).await
    }
}

impl UsageLine {
    /// Checks that it may be what a node counted.
    ///
    /// # Errors
    /// For an hour that will not come for long, which no clean-up would ever reach, and for amounts to which
    /// nothing more could be added.
    fn check(&self, now_ms: i64) -> Result<(), SnapshotError> {
        let unfit = |what: &str| {
            Err(SnapshotError::Unfit(format!(
                "a line of its usage, of hour {} of function {}, has {what}",
                self.hour, self.function_id
            )))
        };
        // The clock of the node that counted may have been ahead.
        if !(0..=now_ms / HOUR_MS + MOST_AHEAD).contains(&self.hour) {
            return unfit("an hour that will not come for a year, or can't be");
        }
        let amounts = [
            self.requests,
            self.failures,
            self.wall_us,
            self.request_bytes,
            self.response_bytes,
            self.guest_ns,
            self.device_ns,
            self.launches,
            self.device_byte_ms,
        ];
        match amounts.iter().any(|amount| *amount > MOST_USED) {
            true => unfit("an amount that no function can use in an hour"),
            false => Ok(()),
        }
    }

    fn of(key: &UsageKey, amounts: &Amounts) -> UsageLine {
        UsageLine {
            hour: key.hour,
            tenant: key.tenant,
            function_id: key.function_id.clone(),
            function_name: key.function_name.clone(),
            requests: amounts.requests,
            failures: amounts.failures,
            wall_us: amounts.wall_us,
            request_bytes: amounts.request_bytes,
            response_bytes: amounts.response_bytes,
            guest_ns: amounts.guest_ns,
            device_ns: amounts.device_ns,
            launches: amounts.launches,
            device_byte_ms: amounts.device_byte_ms,
        }
    }

    fn row(self) -> (UsageKey, Amounts) {
        let key = UsageKey {
            hour: self.hour,
            tenant: self.tenant,
            function_id: self.function_id,
            function_name: self.function_name,
        };
        let amounts = Amounts {
            requests: self.requests,
            failures: self.failures,
            wall_us: self.wall_us,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            guest_ns: self.guest_ns,
            device_ns: self.device_ns,
            launches: self.launches,
            device_byte_ms: self.device_byte_ms,
        };
        (key, amounts)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn usage_that_no_node_counted_is_refused_by_its_hour_and_function() {
        let now_ms = 500_000 * HOUR_MS + 5;
        let line = |hour, requests| UsageLine {
            hour,
            tenant: 7,
            function_id: "fn_1".to_owned(),
            function_name: "app".to_owned(),
            requests,
            failures: 0,
            wall_us: 0,
            request_bytes: 0,
            response_bytes: 0,
            guest_ns: 0,
            device_ns: 0,
            launches: 0,
            device_byte_ms: 0,
        };
        for (hour, requests) in [(500_000, 3), (500_000 + MOST_AHEAD, 0), (0, MOST_USED)] {
            assert!(line(hour, requests).check(now_ms).is_ok());
        }
        for (hour, requests) in [
            (500_001 + MOST_AHEAD, 1),
            (-1, 1),
            (i64::MAX, 1),
            (499_999, MOST_USED + 1),
            (499_999, u64::MAX),
        ] {
            let names = format!("of hour {hour} of function fn_1");
            match line(hour, requests).check(now_ms) {
                Err(SnapshotError::Unfit(said)) => assert!(said.contains(&names), "{said}"),
                other => panic!("{hour} {requests}: {other:?}"),
            }
        }
    }
}
