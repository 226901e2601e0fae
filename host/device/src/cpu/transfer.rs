//! Copies, fills, writes and reads, done a piece at a time, so that a large one
//! does not keep a thread from the other tenants.

use std::any::Any;
use std::time::Instant;

use super::SLICE;
use crate::Buffer;
use crate::command::Reply;

/// How much is moved between two looks at the clock, in bytes.
const PIECE: u64 = 128 << 10;

/// A copy through the host goes in pieces that stay in the cache, in bytes.
const BOUNCE: u64 = 32 << 10;

/// Whom to tell, and what was read for them.
pub(crate) type Answer = (Reply<Vec<u8>>, Vec<u8>);

/// One transfer and how far it is.
pub(crate) struct Transfer {
    what: What,
    bytes: u64,
    done: u64,
}

enum What {
    Write {
        target: Buffer,
        offset: u64,
        data: Vec<u8>,
    },
    Read {
        source: Buffer,
        offset: u64,
        into: Vec<u8>,
        reply: Reply<Vec<u8>>,
    },
    Copy {
        source: Buffer,
        source_offset: u64,
        target: Buffer,
        target_offset: u64,
    },
    Fill {
        target: Buffer,
        offset: u64,
        value: u8,
    },
}

impl Transfer {
    pub(crate) fn write(target: Buffer, offset: u64, data: Vec<u8>) -> Transfer {
        let bytes = data.len() as u64;
        Transfer {
            what: What::Write {
                target,
                offset,
                data,
            },
            bytes,
            done: 0,
        }
    }

    pub(crate) fn read(
        source: Buffer,
        offset: u64,
        into: Vec<u8>,
        reply: Reply<Vec<u8>>,
    ) -> Transfer {
        let bytes = into.len() as u64;
        Transfer {
            what: What::Read {
                source,
                offset,
                into,
                reply,
            },
            bytes,
            done: 0,
        }
    }

    pub(crate) fn copy(
        (source, source_offset): (Buffer, u64),
        (target, target_offset): (Buffer, u64),
        bytes: u64,
    ) -> Transfer {
        let what = What::Copy {
            source,
            source_offset,
            target,
            target_offset,
        };
        Transfer {
            what,
            bytes,
            done: 0,
        }
    }

    pub(crate) fn fill(target: Buffer, offset: u64, bytes: u64, value: u8) -> Transfer {
        Transfer {
            what: What::Fill {
                target,
                offset,
                value,
            },
            bytes,
            done: 0,
        }
    }

    /// Moves about a slice's worth. True where more is left.
    pub(crate) fn slice(&mut self) -> bool {
        let started = Instant::now();
        if let What::Read { reply, .. } = &self.what
            && reply.is_closed()
        {
            return false;
        }
        while self.done < self.bytes {
            let piece = (self.bytes - self.done).min(PIECE);
            self.what.move_piece(self.done, piece, self.bytes);
            self.done += piece;
            if started.elapsed() >= SLICE {
                break;
            }
        }
        let more = self.done < self.bytes;
        if !more && let What::Write { data, .. } = &mut self.what {
            // Within the slice, so that its tenant pays for the time it takes.
            *data = Vec::new();
        }
        more
    }

    /// The answer where someone waits for one, and the rest, for dropping.
    pub(crate) fn finish(self) -> (Option<Answer>, Box<dyn Any + Send>) {
        match self.what {
            What::Read {
                source,
                into,
                reply,
                ..
            } => (Some((reply, into)), Box::new(source)),
            other => (None, Box::new(other)),
        }
    }
}

impl What {
    /// Moves bytes `done..done + piece` of the `whole`. All ranges were checked
    /// when the command was queued, so offsets fit the host's `usize`.
    fn move_piece(&mut self, done: u64, piece: u64, whole: u64) {
        let range = done as usize..(done + piece) as usize;
        match self {
            What::Write {
                target,
                offset,
                data,
            } => {
                if let (Some(data), Some(storage)) = (data.get(range), target.storage()) {
                    storage.write((*offset + done) as usize, data);
                }
            }
            What::Read {
                source,
                offset,
                into,
                ..
            } => {
                if let (Some(into), Some(storage)) = (into.get_mut(range), source.storage()) {
                    storage.read((*offset + done) as usize, into);
                }
            }
            What::Fill {
                target,
                offset,
                value,
            } => {
                if let Some(storage) = target.storage() {
                    storage.fill((*offset + done) as usize, piece as usize, *value);
                }
            }
            What::Copy {
                source,
                source_offset,
                target,
                target_offset,
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
        }
    }
}
