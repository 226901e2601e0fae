//! The operations of [`linear`](crate::linear) that are kernels on every device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::Lease;
use crate::linear::{Attention, Norm, Operation, OperationKernel, Reduce, Softmax, TopK};
use crate::sync::lock;
use crate::{Error, Kernel, Queue};

/// The kernels of operations that a lease has used.
#[derive(Default)]
pub(super) struct OperationKernels(Mutex<HashMap<OperationKernel, Arc<OnceCell<Kernel>>>>);

impl Lease {
    /// Queues the softmax of each row on one of this lease's queues. As each of these operations it is a
    /// launch of a kernel of the host's, which the device loads when this lease first uses it and which is
    /// none of the tenant's modules.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the shapes do not fit each other, or where the result lies where
    /// something else does that is read; [`Error::OutOfRange`] where an operand does not lie within its
    /// buffer; [`Error::Denied`] for another session's buffer.
    pub async fn softmax(&self, queue: &Queue, softmax: Softmax) -> Result<(), Error> {
        self.operate(queue, &softmax).await
    }

    /// As [`softmax`](Lease::softmax): layer norm or RMS norm of each row.
    ///
    /// # Errors
    /// As those of `softmax`.
    pub async fn norm(&self, queue: &Queue, norm: Norm) -> Result<(), Error> {
        self.operate(queue, &norm).await
    }

    /// As [`softmax`](Lease::softmax): what each row comes down to.
    ///
    /// # Errors
    /// As those of `softmax`.
    pub async fn reduce(&self, queue: &Queue, reduce: Reduce) -> Result<(), Error> {
        self.operate(queue, &reduce).await
    }

    /// As [`softmax`](Lease::softmax): the largest elements of each row.
    ///
    /// # Errors
    /// As those of `softmax`.
    pub async fn top_k(&self, queue: &Queue, top_k: TopK) -> Result<(), Error> {
        self.operate(queue, &top_k).await
    }

    /// As [`softmax`](Lease::softmax): attention.
    ///
    /// # Errors
    /// As those of `softmax`.
    pub async fn attention(&self, queue: &Queue, attention: Attention) -> Result<(), Error> {
        self.operate(queue, &attention).await
    }

    async fn operate(&self, queue: &Queue, operation: &impl Operation) -> Result<(), Error> {
        for buffer in operation.buffers() {
            queue.check_session(buffer)?;
        }
        let (kernel, launches) = operation.launches()?;
        let mut launches = launches.peekable();
        if launches.peek().is_none() {
            return Ok(());
        }
        let kernel = self.operation_kernel(kernel).await?;
        for (config, arguments) in launches {
            queue.launch(&kernel, config, arguments).await?;
        }
        Ok(())
    }

    async fn operation_kernel(&self, kernel: OperationKernel) -> Result<Kernel, Error> {
        let slot = Arc::clone(lock(&self.operations.0).entry(kernel).or_default());
        let loaded = slot.get_or_try_init(|| async {
            let module = self.load_own(kernel.module()).await?;
            module.kernel(kernel.name())
        });
        Ok(loaded.await?.clone())
    }
}
