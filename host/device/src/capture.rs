//! The named buffers of a function as they were at one moment, read while its work goes on.
//!
//! As where a virtual machine moves while it runs (pre-copy): the buffers are copied on the device while
//! the tenant's work goes on, and what is written meanwhile is copied again, until little of it is left.
//! Then the tenant's commands are held back (`Account::pause`), those that run are waited for, and what is
//! left is copied. The work goes on, and the copies are read. Where the tenant or the device has no room
//! for copies, the buffers are read themselves, and the work goes on once that is done.
//!
//! What was written is known twice. Here are counted the commands that may have written to a buffer:
//! launches to all of them, since a kernel may write anywhere, others to their own. Of the buffers for
//! which that is so the processor copies only those pages that were written since they were copied last,
//! as the operating system notes them (`memory::WriteLog`). A GPU has nothing of the kind, and copies a
//! gigabyte within a millisecond.

use std::time::{Duration, Instant};

use crate::account::Pause;
use crate::command::Command;
use crate::submission::{Handles, Reply};
use crate::{Buffer, Error, Lease, Queue, Residency, Session};

/// Queues that copy at one time: what a few processors copy faster than one.
const QUEUES: usize = 4;

/// What one command copies, in bytes.
const PIECE: u64 = 16 << 20;

/// How often it is copied at most while work goes on.
const PASSES: u32 = 8;

/// Where a pass took no longer than this, the last one may follow.
const SHORT: Duration = Duration::from_millis(5);

/// Another pass is worth its time where the last one took less than so much of the one before.
const WORTH_ANOTHER: f64 = 0.75;

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
        let queues = queues(&lease).await?;
        let copies = self.copies(&lease, &queues, residencies).await;
        let pause = self.pause().await?;
        let started = Instant::now();
        let mut buffers = named(residencies);
        let is_copied = match copies {
            Some(copies) => copies.bring_up_to_date(self, &mut buffers, &queues).await?,
            None => false,
        };
        let (pause, paused) = match is_copied {
            true => {
                drop(pause);
                (None, started.elapsed())
            }
            false => (Some((pause, started)), Duration::ZERO),
        };
        let mut queues = queues;
        Ok(Capture {
            buffers,
            queue: queues.swap_remove(0),
            paused,
            pause,
            _lease: lease,
        })
    }

    /// Waits until none of the session's commands runs, and holds back those that come.
    async fn pause(&self) -> Result<Pause, Error> {
        let account = &self.shared.tenant.account;
        let patience = account.limits().kernel_time.saturating_add(PATIENCE);
        let pausing = tokio::time::timeout(patience, account.pause());
        pausing.await.map_err(|_| {
            Error::DeadlineExceeded(format!(
                "the tenant's work on the device did not end within {} seconds, so that its buffers \
                 were not captured",
                patience.as_secs()
            ))
        })?
    }

    /// Copies of what is kept now, made while work goes on. `None` where there is no room for them.
    async fn copies(
        &self,
        lease: &Lease,
        queues: &[Queue],
        residencies: &[&Residency],
    ) -> Option<Copies> {
        let mut copies = Vec::new();
        for Captured { buffer, .. } in named(residencies) {
            let copy = lease.allocate(buffer.size()).await.ok()?;
            copies.push(CopyOf {
                writes: 0,
                buffer,
                copy,
            });
        }
        // After the pause, each write that was running has ended and is counted: from here on the counts
        // tell what is written later.
        let pause = self.pause().await.ok()?;
        let launches = self.shared.tenant.account.launches();
        for copy in &mut copies {
            copy.writes = copy.buffer.writes();
        }
        drop(pause);
        let copies = Copies { launches, copies };
        copies.approach(self, queues).await.ok()?;
        Some(copies)
    }
}

/// Some queues, and one at least.
async fn queues(lease: &Lease) -> Result<Vec<Queue>, Error> {
    let mut queues = vec![lease.create_queue().await?];
    while queues.len() < QUEUES
        && let Ok(queue) = lease.create_queue().await
    {
        queues.push(queue);
    }
    Ok(queues)
}

/// The pieces that a buffer is copied in: offsets and lengths.
fn pieces(bytes: u64) -> impl Iterator<Item = (u64, u64)> {
    let offsets = (0..bytes).step_by(PIECE as usize);
    offsets.map(move |offset| (offset, (bytes - offset).min(PIECE)))
}

/// Copies of buffers that were made while work went on.
struct Copies {
    /// How many launches there were before.
    launches: u64,
    copies: Vec<CopyOf>,
}

struct CopyOf {
    buffer: Buffer,
    copy: Buffer,
    /// How many writes to the buffer there were before.
    writes: u64,
}

impl Copies {
    fn all(&self) -> Vec<&CopyOf> {
        self.copies.iter().collect()
    }

    /// Those of buffers that commands may have written to since the counts were taken.
    fn written(&self, session: &Session) -> Vec<&CopyOf> {
        let was_launched = session.shared.tenant.account.launches() != self.launches;
        let is_written = |copy: &&CopyOf| was_launched || copy.buffer.writes() != copy.writes;
        self.copies.iter().filter(is_written).collect()
    }

    /// Copies all, and again what was written meanwhile, until that is little, or is not less than before.
    async fn approach(&self, session: &Session, queues: &[Queue]) -> Result<(), Error> {
        let mut started = Instant::now();
        self.refresh(&self.all(), queues).await?;
        let mut before = started.elapsed();
        for _ in 0..PASSES {
            if before <= SHORT {
                break;
            }
            started = Instant::now();
            self.refresh(&self.written(session), queues).await?;
            // What is written in so much time is what the next pass copies.
            let took = started.elapsed();
            if took > before.mul_f64(WORTH_ANOTHER) {
                break;
            }
            before = took;
        }
        Ok(())
    }

    /// Copies what was written since it was copied last, while work goes on.
    async fn refresh(&self, copies: &[&CopyOf], queues: &[Queue]) -> Result<(), Error> {
        for (command, queue) in refreshes(copies).zip(queues.iter().cycle()) {
            queue.submit(command, 0).await?;
        }
        for queue in queues {
            queue.synchronize().await?;
        }
        Ok(())
    }

    /// Copies what was written since, while commands are held back, and has the copies in the place of
    /// the buffers. False where one has no copy, since it came meanwhile: then nothing was changed.
    async fn bring_up_to_date(
        &self,
        session: &Session,
        buffers: &mut [Captured],
        queues: &[Queue],
    ) -> Result<bool, Error> {
        let mut found = Vec::with_capacity(buffers.len());
        for captured in &*buffers {
            let mut copies = self.copies.iter();
            match copies.find(|copy| copy.buffer.is(&captured.buffer)) {
                Some(copy) => found.push(copy),
                None => return Ok(false),
            }
        }
        let written = self.written(session);
        for (command, queue) in refreshes(&written).zip(queues.iter().cycle()) {
            queue.push_held(command)?;
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
        for (captured, found) in buffers.iter_mut().zip(found) {
            captured.buffer = found.copy.clone();
        }
        Ok(true)
    }
}

/// Has copies as their buffers are, in pieces.
fn refreshes(copies: &[&CopyOf]) -> impl Iterator<Item = Command<Handles>> {
    copies.iter().flat_map(|one| {
        pieces(one.buffer.size()).map(|(offset, bytes)| Command::Refresh {
            source: one.buffer.clone(),
            copy: one.copy.clone(),
            offset,
            bytes,
        })
    })
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
