//! Events.

use std::sync::Arc;

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context;
use crate::event::{EVENTS, Event};
use crate::ffi::Out;
use crate::handle::Handle;
use crate::stream;

fn elapsed(milliseconds: Out<f32>, start: Handle, end: Handle) -> Result {
    context::current()?;
    let (start, end) = (EVENTS.get(start)?, EVENTS.get(end)?);
    let (from, to) = (start.time(), end.time());
    // One that was never recorded is worse than one that has not come by.
    if [from, to].contains(&Err(Code::INVALID_HANDLE)) {
        return Err(Code::INVALID_HANDLE);
    }
    let (from, to) = (from?, to?);
    milliseconds.put(match to.checked_duration_since(from) {
        Some(time) => time.as_secs_f32() * 1000.0,
        None => -(from.duration_since(to).as_secs_f32() * 1000.0),
    })
}

driver_calls! {
    fn cuEventCreate(to: Out<Handle>, flags: u32) {
        to.check()?;
        let context = context::current()?;
        if flags > 7 {
            return Err(Code::INVALID_VALUE);
        }
        to.put(EVENTS.insert(Arc::new(Event::new(context, flags))))
    }

    fn cuEventDestroy_v2(event: Handle) {
        context::current()?;
        EVENTS.remove(event).map(drop)
    }

    fn cuEventRecord(event: Handle, stream: Handle) {
        let stream = stream::get(stream)?;
        EVENTS.get(event)?.record(&stream);
        Ok(())
    }

    fn cuEventRecordWithFlags(event: Handle, stream: Handle, _flags: u32) {
        let stream = stream::get(stream)?;
        EVENTS.get(event)?.record(&stream);
        Ok(())
    }

    fn cuEventQuery(event: Handle) {
        let event = EVENTS.get(event)?;
        event.context.check()?;
        if !event.is_done() {
            return Err(Code::NOT_READY);
        }
        event.context.check()
    }

    fn cuEventSynchronize(event: Handle) {
        let event = EVENTS.get(event)?;
        event.context.check()?;
        event.check_wait("cuEventSynchronize");
        event.synchronise();
        event.context.check()
    }

    fn cuEventElapsedTime(milliseconds: Out<f32>, start: Handle, end: Handle) {
        elapsed(milliseconds, start, end)
    }

    fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: Handle, end: Handle) {
        elapsed(milliseconds, start, end)
    }
}
