//! The calls of a queue whose work is done in a worker. Arguments and ranges are
//! checked before they come here.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Worker;
use super::lane::{Held, Job, Op};
use crate::account::Ticket;
use crate::channel::Area;
use crate::channel::wire::{self, Task, to_array};
use crate::command::{EventSignal, Reply};
use crate::{Buffer, Error, Kernel, LaunchConfig};

/// Pieces of one read that are on their way at a time.
const AHEAD: usize = 2;

/// One queue in its worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote<'a> {
    pub(crate) worker: &'a Arc<Worker>,
    pub(crate) number: u64,
}

impl Remote<'_> {
    /// Queues a write: in pieces where it is large, so that filling one and moving
    /// the one before overlap.
    pub(crate) async fn write(
        self,
        target: &Buffer,
        offset: u64,
        data: &[u8],
        ticket: Ticket,
    ) -> Result<(), Error> {
        let number = target.number_in(self.worker)?;
        let largest = self.worker.staging.largest();
        let mut ticket = Some(ticket);
        let mut done = 0;
        loop {
            let piece = data.get(done..).unwrap_or_default();
            let piece = piece.get(..largest).unwrap_or(piece);
            let Some(area) = self.area(piece.len()).await else {
                // Behind a failure that nobody knows of yet it is dropped like the rest.
                return match self.worker.is_poisoned(self.number) {
                    true => Ok(()),
                    false => Err(self.worker.lost()),
                };
            };
            area.write(piece);
            let task = Task::Write {
                target: number,
                offset: offset + done as u64,
                from: area.span(),
            };
            done += piece.len();
            let last = done == data.len();
            let held = Held {
                buffers: vec![target.clone()],
                area: Some(area),
                kernel: None,
            };
            let ticket = if last { ticket.take() } else { None };
            self.push(Job::Plain, held, &task, ticket)?;
            if last {
                return Ok(());
            }
        }
    }

    /// Waits for what is queued, then reads.
    pub(crate) async fn read(
        self,
        source: &Buffer,
        offset: u64,
        bytes: u64,
        ticket: Ticket,
    ) -> Result<Vec<u8>, Error> {
        let number = source.number_in(self.worker)?;
        let full = Error::OutOfMemory { bytes };
        let whole = usize::try_from(bytes).map_err(|_| full.clone())?;
        let mut into: Vec<u8> = bytemuck::allocation::try_zeroed_slice_box(whole)
            .map_err(|()| full)?
            .into_vec();
        let largest = self.worker.staging.largest();
        let mut pieces: VecDeque<oneshot::Receiver<Result<Area, Error>>> = VecDeque::new();
        let mut rest = into.chunks_mut(largest);
        let mut asked = 0;
        loop {
            while pieces.len() < AHEAD && (asked < whole || (whole == 0 && pieces.is_empty())) {
                let piece = (whole - asked).min(largest);
                let area = self.area(piece).await;
                let area = area.ok_or_else(|| self.worker.refusal(self.number))?;
                let task = Task::Read {
                    source: number,
                    offset: offset + asked as u64,
                    into: area.span(),
                };
                let held = Held {
                    buffers: vec![source.clone()],
                    area: Some(area),
                    kernel: None,
                };
                let (reply, answer) = oneshot::channel();
                self.push(Job::Read(reply), held, &task, None)?;
                pieces.push_back(answer);
                asked += piece;
                if whole == 0 {
                    break;
                }
            }
            let Some(answer) = pieces.pop_front() else {
                break;
            };
            let area = answer.await.map_err(|_| Error::lease_ended())??;
            match rest.next() {
                Some(place) => area.read(place),
                None => break,
            }
        }
        drop(ticket);
        Ok(into)
    }

    pub(crate) fn copy(
        self,
        (source, source_offset): (&Buffer, u64),
        (target, target_offset): (&Buffer, u64),
        bytes: u64,
        ticket: Ticket,
    ) -> Result<(), Error> {
        let task = Task::Copy {
            source: source.number_in(self.worker)?,
            source_offset,
            target: target.number_in(self.worker)?,
            target_offset,
            bytes,
        };
        let held = Held {
            buffers: vec![source.clone(), target.clone()],
            ..Held::default()
        };
        self.push(Job::Plain, held, &task, Some(ticket))
    }

    pub(crate) fn fill(
        self,
        target: &Buffer,
        offset: u64,
        bytes: u64,
        value: u8,
        ticket: Ticket,
    ) -> Result<(), Error> {
        let task = Task::Fill {
            target: target.number_in(self.worker)?,
            offset,
            bytes,
            value,
        };
        let held = Held {
            buffers: vec![target.clone()],
            ..Held::default()
        };
        self.push(Job::Plain, held, &task, Some(ticket))
    }

    pub(crate) fn launch(
        self,
        kernel: &Kernel,
        config: LaunchConfig,
        arguments: &[u8],
        buffers: Vec<Buffer>,
        ticket: Ticket,
    ) -> Result<(), Error> {
        for buffer in &buffers {
            buffer.number_in(self.worker)?;
        }
        let task = Task::Launch {
            module: kernel.module().number_in(self.worker)?,
            entry: kernel.number(),
            grid: to_array(config.grid),
            block: to_array(config.block),
            shared_bytes: config.shared_bytes,
            arguments,
        };
        let held = Held {
            buffers,
            area: None,
            kernel: Some(kernel.clone()),
        };
        self.push(Job::Plain, held, &task, Some(ticket))
    }

    pub(crate) fn mark(self, signal: EventSignal, ticket: Ticket) -> Result<(), Error> {
        self.push(
            Job::Event(signal),
            Held::default(),
            &Task::Mark,
            Some(ticket),
        )
    }

    pub(crate) fn fence(self, reply: Reply<()>, ticket: Ticket) -> Result<(), Error> {
        self.push(
            Job::Fence(reply),
            Held::default(),
            &Task::Mark,
            Some(ticket),
        )
    }

    async fn area(self, bytes: usize) -> Option<Area> {
        self.worker.staging.take(bytes).await
    }

    fn push(
        self,
        job: Job,
        held: Held,
        task: &Task<'_>,
        ticket: Option<Ticket>,
    ) -> Result<(), Error> {
        let mut bytes = Vec::new();
        wire::encode(task, &mut bytes)
            .map_err(|error| Error::InvalidLaunch(format!("it can't be sent: {error}")))?;
        let op = Op {
            job,
            held,
            task: bytes,
            ticket,
        };
        self.worker.push(self.number, op)
    }
}
