//! Streams.

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context::{self, CONTEXTS};
use crate::event::EVENTS;
use crate::ffi::{Host, HostFunction, Out};
use crate::handle::Handle;
use crate::stream::{self, NON_BLOCKING, STREAMS, Stream};

fn create(to: Out<Handle>, flags: u32, priority: i32) -> Result {
    to.check()?;
    let context = context::current()?;
    if flags > NON_BLOCKING {
        return Err(Code::INVALID_VALUE);
    }
    let stream = Stream::start(&context, flags & NON_BLOCKING == 0, priority.clamp(-5, 0));
    context.keep(&stream);
    to.put(STREAMS.insert(stream))
}

driver_calls! {
    fn cuStreamCreate(to: Out<Handle>, flags: u32) {
        create(to, flags, 0)
    }

    fn cuStreamCreateWithPriority(to: Out<Handle>, flags: u32, priority: i32) {
        create(to, flags, priority)
    }

    fn cuStreamDestroy_v2(handle: Handle) {
        context::current()?;
        // What it was given is still done.
        STREAMS.remove(handle)?.close();
        Ok(())
    }

    fn cuStreamGetFlags(handle: Handle, flags: Out<u32>) {
        let stream = stream::get(handle)?;
        flags.put(if stream.blocking { 0 } else { NON_BLOCKING })
    }

    fn cuStreamGetPriority(handle: Handle, priority: Out<i32>) {
        priority.put(stream::get(handle)?.priority)
    }

    fn cuStreamGetCtx(handle: Handle, to: Out<Handle>) {
        let context = stream::get(handle)?.context.clone();
        let current = context::current_handle();
        let is_current = CONTEXTS.get(current).is_ok_and(|other| std::ptr::eq(&*other, &*context));
        if !is_current {
            return Err(Code::NOT_SUPPORTED);
        }
        to.put(current)
    }

    fn cuStreamQuery(handle: Handle) {
        let stream = stream::get(handle)?;
        let (submitted, done) = stream.progress();
        if done < submitted {
            return Err(Code::NOT_READY);
        }
        stream.context.check()
    }

    fn cuStreamSynchronize(handle: Handle) {
        let stream = stream::get(handle)?;
        stream.context.check_wait("cuStreamSynchronize");
        stream.synchronise()
    }

    fn cuStreamWaitEvent(handle: Handle, event: Handle, _flags: u32) {
        let stream = stream::get(handle)?;
        EVENTS.get(event)?.hold(&stream);
        Ok(())
    }

    fn cuStreamIsCapturing(handle: Handle, status: Out<u32>) {
        stream::get(handle)?;
        status.put(0)
    }

    fn cuLaunchHostFunc(handle: Handle, function: Option<extern "C" fn(Host)>, data: Host) {
        let stream = stream::get(handle)?;
        let function = function.ok_or(Code::INVALID_VALUE)?;
        let call = HostFunction { function, data };
        stream.submit(Box::new(move |_| call.call()));
        Ok(())
    }
}
