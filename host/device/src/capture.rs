//! The named buffers of a function as they were at one moment, read while its work goes on.
//!
//! The tenant's commands are held back (`Account::pause`), those that run are waited for, and the
//! buffers are copied on the device, to memory that was allocated and touched before. Then the tenant's
//! work goes on, and the copies are read. Where the tenant or the device has no room for copies, the
//! buffers are read themselves, and the work goes on once that is done.

use std::time::{Duration, Instant};

use crate::account::Pause;
use crate::command::Command;
use crate::submission::Reply;
use crate::{Buffer, Error, Lease, Queue, Residency, Session};

/// Queues that copy at one time: what a few processors copy faster than one.
const QUEUES: usize = 4;

/// What one command copies, in bytes.
const PIECE: u64 = 16 << 20;

/// How long the work that runs may take to end, beside the longest kernel.
const PATIENCE: Duration = Duration::from_secs(5);

/// The named buffers of functions as they were at one moment. Dropped, its copies are freed.
#[derive(Debug)]
pub struct Capture {
    buffers: Vec<Captured>,
    queue: Queue,
    /// How long the tenant's commands were held back, once they are not any more.
    paused: Duration,
    /// Where there are no copies: the tenant's commands are held back until this is dropped.
    pause: Option<(Pause, Instant)>,
    // Dropped last: with it end its queues.
    _lease: Lease,
}

/// One named buffer.
#[derive(Debug)]
pub struct Captured {
    /// Of which of the residencies it is, by their order.
    pub residency: usize,
    /// Its name.
    pub name: String,
    /// The buffer itself or, once it is made, its copy.
    buffer: Buffer,
}

impl Captured {
    /// Its size, in bytes.
    pub fn bytes(&self) -> u64 {
        self.buffer.size()
    }
}

impl Session {
    /// Captures the buffers that these residencies keep, all at one moment at which none of the
    /// session's commands runs.
    ///
    /// # Errors
    ///
    /// [`Error::DeadlineExceeded`] where what runs does not end in time; [`Error::DeviceLost`]; and
    /// [`Error::QuotaExceeded`] where the tenant has as many queues as it may.
    pub async fn capture(&self, residencies: &[&Residency]) -> Result<Capture, Error> {
        let lease = self.lease();
        let mut queues = vec![lease.create_queue().await?];
        let copies = self.copies(&lease, queues.first(), residencies).await;
        let account = &self.shared.tenant.account;
        let patience = account.limits().kernel_time.saturating_add(PATIENCE);
        let pausing = tokio::time::timeout(patience, account.pause());
        let pause = pausing.await.map_err(|_| {
            Error::DeadlineExceeded(format!(
                "the tenant's work on the device did not end within {} seconds, so that its buffers \
                 were not captured",
                patience.as_secs()
            ))
        })??;
        let started = Instant::now();
        let mut buffers = named(residencies);
        let mut paused = Duration::ZERO;
        let is_copied = match copies {
            Some(copies) => {
                while queues.len() < QUEUES
                    && let Ok(queue) = lease.create_queue().await
                {
                    queues.push(queue);
                }
                copy(&mut buffers, copies, &queues).await?
            }
            None => false,
        };
        let pause = match is_copied {
            true => {
                drop(pause);
                paused = started.elapsed();
                None
            }
            false => Some((pause, started)),
        };
        let queue = queues.swap_remove(0);
        Ok(Capture {
            buffers,
            queue,
            paused,
            pause,
            _lease: lease,
        })
    }

    /// Memory for copies of what is kept now, which was written once, so that writing it again is
    /// fast. `None` where there is no room.
    async fn copies(
        &self,
        lease: &Lease,
        queue: Option<&Queue>,
        residencies: &[&Residency],
    ) -> Option<Vec<(Buffer, Buffer)>> {
        let mut copies = Vec::new();
        for Captured { buffer, .. } in named(residencies) {
            let copy = lease.allocate(buffer.size()).await.ok()?;
            queue?.fill(&copy, 0, copy.size(), 0).await.ok()?;
            copies.push((buffer, copy));
        }
        queue?.synchronize().await.ok()?;
        Some(copies)
    }
}

fn named(residencies: &[&Residency]) -> Vec<Captured> {
    let all = residencies.iter().enumerate();
    let all = all.flat_map(|(index, residency)| {
        let kept = residency.kept().into_iter();
        kept.map(move |(name, buffer)| Captured {
            residency: index,
            name,
            buffer,
        })
    });
    all.collect()
}

/// Copies the buffers, and has the copies in their place. False where one has no copy, since it came
/// meanwhile: then nothing was changed.
async fn copy(
    buffers: &mut [Captured],
    copies: Vec<(Buffer, Buffer)>,
    queues: &[Queue],
) -> Result<bool, Error> {
    let mut found = Vec::with_capacity(buffers.len());
    for captured in &*buffers {
        let mut copies = copies.iter();
        match copies.find(|(original, _)| original.is(&captured.buffer)) {
            Some((_, copy)) => found.push(copy.clone()),
            None => return Ok(false),
        }
    }
    let mut turns = queues.iter().cycle();
    for (captured, copy) in buffers.iter_mut().zip(found) {
        let mut offset = 0;
        while let (true, Some(queue)) = (offset < copy.size(), turns.next()) {
            let bytes = (copy.size() - offset).min(PIECE);
            queue.push_held(Command::Copy {
                source: captured.buffer.clone(),
                source_offset: offset,
                target: copy.clone(),
                target_offset: offset,
                bytes,
            })?;
            offset += bytes;
        }
        captured.buffer = copy;
    }
    let mut ends = Vec::with_capacity(queues.len());
    for queue in queues {
        let (reply, answer) = Reply::channel();
        queue.push_held(Command::Fence(reply))?;
        ends.push(answer);
    }
    for end in ends {
        end.await.map_err(|_| Error::lease_ended())??;
    }
    Ok(true)
}

impl Capture {
    /// The buffers, those of each residency by name.
    pub fn buffers(&self) -> &[Captured] {
        &self.buffers
    }

    /// Reads a part of a buffer, by its place among [`buffers`](Capture::buffers).
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] where there is no such part, and [`Error::DeviceLost`].
    pub async fn read(&self, place: usize, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        let Some(captured) = self.buffers.get(place) else {
            return Err(Error::OutOfRange("there is no such buffer".to_owned()));
        };
        match &self.pause {
            None => self.queue.read(&captured.buffer, offset, bytes).await,
            Some(_) => self.queue.read_held(&captured.buffer, offset, bytes).await,
        }
    }

    /// Has the tenant's work go on, where it does not yet. To be called once all is read. Returns how
    /// long the work was held back.
    pub fn finish(mut self) -> Duration {
        match self.pause.take() {
            Some((pause, started)) => {
                drop(pause);
                started.elapsed()
            }
            None => self.paused,
        }
    }
}
