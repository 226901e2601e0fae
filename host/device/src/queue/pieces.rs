//! Writes and reads in pieces, where the backend's staging memory takes no more at a time: so that
//! copying one piece and moving the next overlap.

use std::collections::VecDeque;

use super::Queue;
use crate::account::InFlightPermit;
use crate::command::Command;
use crate::spin_wait::spin_then_await;
use crate::staging::{StagedBytes, StagingError, copying_threads};
use crate::submission::{Answer, ReadDestination, Reply};
use crate::{Buffer, Error};

/// How many pieces of a read are on their way at a time: enough that the device has the next one to move
/// while the last one is copied, and few enough to stay in the processor's caches.
const AHEAD: usize = 4;

impl Queue {
    /// Queues a write. The range was checked.
    pub(super) async fn write_pieces(
        &self,
        target: &Buffer,
        offset: u64,
        data: &[u8],
        permit: InFlightPermit,
    ) -> Result<(), Error> {
        let staging = self.shared.backend.staging();
        let largest = staging.largest_piece();
        let threads = copying_threads(data.len());
        let mut permit = Some(permit);
        let mut done = 0;
        loop {
            let rest = data.get(done..).unwrap_or_default();
            let piece = rest.get(..largest).unwrap_or(rest);
            let staged = self.unless_ended(staging.copy_of(piece, threads)).await?;
            let staged = match staged {
                Ok(staged) => staged,
                Err(StagingError::OutOfMemory) => {
                    let bytes = data.len() as u64;
                    return Err(Error::OutOfMemory { bytes });
                }
                Err(StagingError::Closed) => return self.write_after_loss(target, permit.take()),
            };
            let command = Command::Write {
                target: target.clone(),
                offset: offset + done as u64,
                data: staged,
            };
            done += piece.len();
            let last = done == data.len();
            self.push(command, if last { permit.take() } else { None })?;
            if last {
                return Ok(());
            }
        }
    }

    /// Waits for what is queued, then reads. The range was checked. Some pieces are on their way at a
    /// time.
    pub(super) async fn read_pieces(
        &self,
        source: &Buffer,
        offset: u64,
        bytes: u64,
        mut permit: Option<InFlightPermit>,
    ) -> Result<Vec<u8>, Error> {
        let staging = self.shared.backend.staging();
        let out_of_memory = || Error::OutOfMemory { bytes };
        let whole = usize::try_from(bytes).map_err(|_| out_of_memory())?;
        let mut assembly = staging.assembly(whole)?;
        let mut asked = 0;
        let mut ask = |staged: StagedBytes, piece: usize| -> Result<Answer<StagedBytes>, Error> {
            let (reply, answer) = Reply::channel();
            let command = Command::Read {
                source: source.clone(),
                offset: offset + asked as u64,
                into: ReadDestination {
                    bytes: staged,
                    reply,
                },
            };
            asked += piece;
            let last = asked == whole;
            self.push(command, if last { permit.take() } else { None })?;
            Ok(answer)
        };
        let mut left = whole;
        let mut on_the_way = VecDeque::new();
        loop {
            if on_the_way.is_empty() {
                let piece = left.min(staging.largest_piece());
                match self.unless_ended(staging.room(piece)).await? {
                    Ok(room) => {
                        left -= piece;
                        on_the_way.push_back(ask(room, piece)?);
                    }
                    Err(StagingError::OutOfMemory) => return Err(out_of_memory()),
                    Err(StagingError::Closed) => return Err(self.read_after_loss().await),
                }
            }
            // A read that holds room does not wait for more: all could hold some then, and wait.
            while left > 0
                && on_the_way.len() < AHEAD
                && let Some(room) = staging.try_room(left.min(staging.largest_piece()))
            {
                let piece = left.min(staging.largest_piece());
                left -= piece;
                on_the_way.push_back(ask(room, piece)?);
            }
            let Some(answer) = on_the_way.pop_front() else {
                continue;
            };
            let answer = spin_then_await(answer, |ready| self.shared.backend.spin(ready)).await;
            assembly.add(answer.map_err(|_| Error::lease_ended())??);
            if left == 0 && on_the_way.is_empty() {
                return Ok(assembly.finish());
            }
        }
    }

    /// What a write is answered once the staging memory is gone with its worker: what the queue says
    /// to a write of nothing. Behind a failure of which no caller has learnt yet it is dropped like
    /// the rest.
    fn write_after_loss(
        &self,
        target: &Buffer,
        permit: Option<InFlightPermit>,
    ) -> Result<(), Error> {
        let nothing = Command::Fill {
            target: target.clone(),
            offset: 0,
            bytes: 0,
            value: 0,
        };
        self.push(nothing, permit)
    }

    /// What a read is answered then: what the queue says to a caller that waits.
    async fn read_after_loss(&self) -> Error {
        let (reply, answer) = Reply::channel();
        if let Err(lost) = self.push(Command::Fence(reply), None) {
            return lost;
        }
        match answer.await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => Error::lease_ended(),
        }
    }
}
