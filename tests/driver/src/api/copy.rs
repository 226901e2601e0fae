//! Copies and fills.
//!
//! What is asynchronous depends on the host's memory, as on the real one: with memory that is not
//! pinned, a copy is done when the call returns, but for a small one to the device, of which the
//! bytes are taken at once.

use std::sync::Arc;

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context::{self, CONTEXTS, Context};
use crate::ffi::Host;
use crate::handle::Handle;
use crate::memory::Store;
use crate::stream::{self, Work};

/// Of this much at most, a copy takes the bytes and returns before its turn has come.
const SMALL: usize = 64 << 10;

/// What is copied and filled at once, within the device.
const PIECE: usize = 64 << 10;

/// Device memory that holds all of a range.
fn device(context: &Context, address: u64, bytes: usize) -> Result<(Arc<Store>, usize)> {
    let found = context.memory.find(address, bytes);
    let (region, offset) = found.ok_or(Code::INVALID_VALUE)?;
    Ok((region.store, offset))
}

fn to_device(context: &Context, to: u64, from: Host, bytes: usize) -> Result<Work> {
    if from.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    let (store, at) = device(context, to, bytes)?;
    Ok(Box::new(move |_| {
        from.read_pieces(bytes, |offset, piece| store.write(at + offset, piece));
    }))
}

fn to_host(context: &Context, to: Host, from: u64, bytes: usize) -> Result<Work> {
    if to.is_null() {
        return Err(Code::INVALID_VALUE);
    }
    let (store, at) = device(context, from, bytes)?;
    Ok(Box::new(move |_| {
        to.write_pieces(bytes, |offset, piece| store.read(at + offset, piece));
    }))
}

fn on_device(context: &Context, to: u64, from: u64, bytes: usize) -> Result<Work> {
    let (target, to) = device(context, to, bytes)?;
    let (source, from) = device(context, from, bytes)?;
    Ok(between(target, to, source, from, bytes))
}

fn between(target: Arc<Store>, to: usize, source: Arc<Store>, from: usize, bytes: usize) -> Work {
    Box::new(move |_| {
        let mut piece = vec![0; bytes.min(PIECE)];
        let step = piece.len().max(1);
        for offset in (0..bytes).step_by(step) {
            let length = step.min(bytes - offset);
            let part = piece.get_mut(..length).unwrap_or_default();
            source.read(from + offset, part);
            target.write(to + offset, part);
        }
    })
}

/// Fills with a value of so many bytes, so many times.
fn fill(context: &Context, to: u64, value: u32, size: usize, count: usize) -> Result<Work> {
    let bytes = count.checked_mul(size).ok_or(Code::INVALID_VALUE)?;
    if !to.is_multiple_of(size as u64) {
        return Err(Code::INVALID_VALUE);
    }
    let (store, at) = device(context, to, bytes)?;
    Ok(Box::new(move |_| {
        let pattern: Vec<u8> = value.to_le_bytes().into_iter().take(size).collect();
        let piece = pattern.repeat(PIECE / size);
        for offset in (0..bytes).step_by(piece.len()) {
            let length = piece.len().min(bytes - offset);
            store.write(at + offset, piece.get(..length).unwrap_or_default());
        }
    }))
}

/// Work without a stream: it is done when the call returns.
fn now(bytes: usize, work: impl FnOnce(&Context) -> Result<Work>) -> Result {
    let context = context::current()?;
    if bytes == 0 {
        return Ok(());
    }
    stream::run_now(work(&context)?)
}

/// Work in a stream.
fn queued(stream: Handle, bytes: usize, work: impl FnOnce(&Context) -> Result<Work>) -> Result {
    let stream = stream::get(stream)?;
    if bytes > 0 {
        stream.submit(work(&stream.context)?);
    }
    Ok(())
}

/// Work in a stream that is waited for unless the host's memory is pinned.
fn queued_with(
    host: Host,
    stream: Handle,
    bytes: usize,
    work: impl FnOnce(&Context) -> Result<Work>,
) -> Result {
    let stream = stream::get(stream)?;
    if bytes == 0 {
        return Ok(());
    }
    let number = stream.submit(work(&stream.context)?);
    if stream.context.memory.is_pinned(host, bytes) {
        return Ok(());
    }
    stream.wait_for(number);
    stream.context.check()
}

driver_calls! {
    fn cuMemcpyHtoD_v2(to: u64, from: Host, bytes: usize) {
        now(bytes, |context| to_device(context, to, from, bytes))
    }

    fn cuMemcpyDtoH_v2(to: Host, from: u64, bytes: usize) {
        now(bytes, |context| to_host(context, to, from, bytes))
    }

    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) {
        now(bytes, |context| on_device(context, to, from, bytes))
    }

    fn cuMemcpyHtoDAsync_v2(to: u64, from: Host, bytes: usize, stream: Handle) {
        if bytes > SMALL || from.is_null() {
            return queued_with(from, stream, bytes, |context| to_device(context, to, from, bytes));
        }
        queued(stream, bytes, |context| {
            if context.memory.is_pinned(from, bytes) {
                return to_device(context, to, from, bytes);
            }
            let (store, at) = device(context, to, bytes)?;
            let taken = from.read(bytes);
            Ok(Box::new(move |_| store.write(at, &taken)))
        })
    }

    fn cuMemcpyDtoHAsync_v2(to: Host, from: u64, bytes: usize, stream: Handle) {
        queued_with(to, stream, bytes, |context| to_host(context, to, from, bytes))
    }

    fn cuMemcpyPeerAsync(
        to: u64,
        to_context: Handle,
        from: u64,
        from_context: Handle,
        bytes: usize,
        stream: Handle,
    ) {
        let (source, from) = device(&*CONTEXTS.get(from_context)?, from, bytes)?;
        let (target, to) = device(&*CONTEXTS.get(to_context)?, to, bytes)?;
        queued(stream, bytes, |_| Ok(between(target, to, source, from, bytes)))
    }

    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) {
        queued(stream, bytes, |context| on_device(context, to, from, bytes))
    }

    fn cuMemsetD8_v2(to: u64, value: u8, count: usize) {
        now(count, |context| fill(context, to, value.into(), 1, count))
    }

    fn cuMemsetD16_v2(to: u64, value: u16, count: usize) {
        now(count, |context| fill(context, to, value.into(), 2, count))
    }

    fn cuMemsetD32_v2(to: u64, value: u32, count: usize) {
        now(count, |context| fill(context, to, value, 4, count))
    }

    fn cuMemsetD8Async(to: u64, value: u8, count: usize, stream: Handle) {
        queued(stream, count, |context| fill(context, to, value.into(), 1, count))
    }

    fn cuMemsetD16Async(to: u64, value: u16, count: usize, stream: Handle) {
        queued(stream, count, |context| fill(context, to, value.into(), 2, count))
    }

    fn cuMemsetD32Async(to: u64, value: u32, count: usize, stream: Handle) {
        queued(stream, count, |context| fill(context, to, value, 4, count))
    }
}
