//! Copies, fills, writes and reads, done a piece at a time, so that a large one
//! does not keep a thread from the other tenants.

use std::time::Instant;

use super::slice::SLICE;
use crate::command::Command;
use crate::staging::StagedBytes;
use crate::submission::Handles;

/// How much is moved before the time is checked again, in bytes.
const PIECE: u64 = 128 << 10;

/// The same for copies of what was written: finding out what that was takes as long for less.
const REFRESHED: u64 = 2 << 20;

/// A copy goes through a buffer of the thread's own, which stays in the cache: its size,
/// in bytes.
const BOUNCE: u64 = 32 << 10;

/// One transfer and how far it is.
pub(crate) struct Transfer {
    command: Command<Handles>,
    bytes: u64,
    done: u64,
}

impl Transfer {
    /// A command that moves bytes; any other moves none.
    pub(crate) fn new(command: Command<Handles>) -> Transfer {
        let bytes = match &command {
            Command::Write { data, .. } => length(data),
            Command::Read { into, .. } => length(&into.bytes),
            Command::Copy { bytes, .. }
            | Command::Refresh { bytes, .. }
            | Command::Fill { bytes, .. } => *bytes,
            Command::Launch { .. }
            | Command::Gemm { .. }
            | Command::Event(_)
            | Command::Fence(_) => 0,
        };
        Transfer {
            command,
            bytes,
            done: 0,
        }
    }

    pub(crate) fn command(&self) -> &Command<Handles> {
        &self.command
    }

    pub(crate) fn into_command(self) -> Command<Handles> {
        self.command
    }

    /// Moves about a slice's worth. True where more is left.
    pub(crate) fn slice(&mut self) -> bool {
        let started = Instant::now();
        if self.command.is_abandoned() {
            return false;
        }
        let most = match &self.command {
            Command::Refresh { .. } => REFRESHED,
            _ => PIECE,
        };
        while self.done < self.bytes {
            let piece = (self.bytes - self.done).min(most);
            move_piece(&mut self.command, self.done, piece, self.bytes);
            self.done += piece;
            if started.elapsed() >= SLICE {
                break;
            }
        }
        let more = self.done < self.bytes;
        if !more && let Command::Write { data, .. } = &mut self.command {
            // Within the slice, so that its tenant pays for the time it takes.
            *data = StagedBytes::Heap(Vec::new());
        }
        more
    }
}

fn length(bytes: &StagedBytes) -> u64 {
    match bytes {
        StagedBytes::Heap(bytes) => bytes.len() as u64,
        // A worker's, which no queue of the processor is given.
        StagedBytes::Shared(_) => 0,
    }
}

/// Moves bytes `done..done + piece` of the `whole`. All ranges were checked
/// when the command was queued, so offsets fit the host's `usize`.
fn move_piece(command: &mut Command<Handles>, done: u64, piece: u64, whole: u64) {
    let range = done as usize..(done + piece) as usize;
    match command {
        Command::Write {
            target,
            offset,
            data: StagedBytes::Heap(data),
        } => {
            if let (Some(data), Some(storage)) = (data.get(range), target.storage()) {
                storage.write((*offset + done) as usize, data);
            }
        }
        Command::Read {
            source,
            offset,
            into,
        } => {
            if let StagedBytes::Heap(into) = &mut into.bytes
                && let (Some(into), Some(storage)) = (into.get_mut(range), source.storage())
            {
                storage.read((*offset + done) as usize, into);
            }
        }
        Command::Fill {
            target,
            offset,
            value,
            ..
        } => {
            if let Some(storage) = target.storage() {
                storage.fill((*offset + done) as usize, piece as usize, *value);
            }
        }
        Command::Copy {
            source,
            source_offset,
            target,
            target_offset,
            ..
        } => {
            // Within one buffer ranges may overlap: from the end where the
            // target lies behind, so that nothing is overwritten unread.
            let backwards = source.is(target) && target_offset > source_offset;
            let mut bounce = [0; BOUNCE as usize];
            let mut moved = 0;
            while moved < piece {
                let bytes = (piece - moved).min(BOUNCE);
                let at = done + moved;
                let at = if backwards { whole - at - bytes } else { at };
                let bounce = bounce.get_mut(..bytes as usize);
                if let (Some(bounce), Some(from), Some(to)) =
                    (bounce, source.storage(), target.storage())
                {
                    let (at_source, at_target) = (*source_offset + at, *target_offset + at);
                    from.copy(at_source as usize, to, at_target as usize, bounce);
                }
                moved += bytes;
            }
        }
        Command::Refresh {
            source,
            copy,
            offset,
            ..
        } => {
            if let (Some(from), Some(to)) = (source.storage(), copy.storage()) {
                let mut bounce = [0; BOUNCE as usize];
                from.copy_written(*offset + done, piece, to, &mut bounce);
            }
        }
        Command::Write { .. }
        | Command::Launch { .. }
        | Command::Gemm { .. }
        | Command::Event(_)
        | Command::Fence(_) => {}
    }
}
