//! Whatever numbers a guest says, an operation is refused with a message or does nothing outside of its
//! buffers: no panic, and no fault of a kernel.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tensor_wasm_device::{
    Attention, Buffer, Element, Error, HeadRows, Reduce, Reduction, Rows, Softmax, TopK, Vector,
};

use super::super::common::{in_time, session};

/// What is in and around the bounds of small buffers, and of 64 bits.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..5u64,
        1 => prop::sample::select(vec![1 << 31, 1 << 32, 1 << 62, u64::MAX - 3, u64::MAX]),
        1 => any::<u64>(),
    ]
}

/// Offsets are multiples of an element more often than not.
fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![4 => (0..20u64).prop_map(|at| at * 4), 1 => number()]
}

#[derive(Clone, Debug)]
struct Said {
    numbers: Vec<u64>,
    offsets: Vec<u64>,
    /// Which of two buffers each operand is in.
    is_second: Vec<bool>,
    is_causal: bool,
    has_lengths: bool,
}

fn said() -> impl Strategy<Value = Said> {
    (
        prop::collection::vec(number(), 19),
        prop::collection::vec(offset(), 5),
        prop::collection::vec(any::<bool>(), 5),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(numbers, offsets, is_second, is_causal, has_lengths)| Said {
                numbers,
                offsets,
                is_second,
                is_causal,
                has_lengths,
            },
        )
}

impl Said {
    fn buffer(&self, buffers: &[Buffer; 2], which: usize) -> Buffer {
        buffers[usize::from(self.is_second[which])].clone()
    }

    fn rows(&self, buffers: &[Buffer; 2], which: usize) -> Rows {
        Rows {
            buffer: self.buffer(buffers, which),
            offset: self.offsets[which],
            leading_dimension: self.numbers[which],
        }
    }

    fn vector(&self, buffers: &[Buffer; 2], which: usize) -> Vector {
        Vector {
            buffer: self.buffer(buffers, which),
            offset: self.offsets[which],
            increment: self.numbers[which],
        }
    }

    fn heads(&self, buffers: &[Buffer; 2], which: usize) -> HeadRows {
        HeadRows {
            buffer: self.buffer(buffers, which),
            offset: self.offsets[which],
            row_stride: self.numbers[3 * which],
            head_stride: self.numbers[3 * which + 1],
            batch_stride: self.numbers[3 * which + 2],
        }
    }
}

/// Whether it was queued.
#[track_caller]
fn is_queued(what: &Said, answer: Result<(), Error>) -> bool {
    match answer {
        Ok(()) => true,
        Err(Error::InvalidLaunch(_) | Error::OutOfRange(_)) => false,
        Err(other) => panic!("{what:?}: {other}"),
    }
}

#[tokio::test]
async fn no_numbers_make_an_operation_leave_its_buffers() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let buffers = [(); 2].map(|()| lease.allocate(80));
        let [one, two] = buffers;
        let buffers = [one.await.unwrap(), two.await.unwrap()];
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut queued = [0; 4];
        for _ in 0..1000 {
            let said = said().new_tree(&mut runner).unwrap().current();
            let [rows, columns, k] = [said.numbers[5], said.numbers[6], said.numbers[7]];
            let softmax = Softmax {
                element: Element::F32,
                rows,
                columns,
                scale: 1.0,
                causal_queries: said.is_causal.then_some(said.numbers[8]),
                lengths: said
                    .has_lengths
                    .then(|| (said.vector(&buffers, 2), said.numbers[9])),
                mask: None,
                input: said.rows(&buffers, 0),
                output: said.rows(&buffers, 1),
            };
            queued[0] += u32::from(is_queued(&said, lease.softmax(&queue, softmax).await));
            let reduce = Reduce {
                reduction: Reduction::ArgMax,
                element: Element::F32,
                rows,
                columns,
                input: said.rows(&buffers, 0),
                output: said.vector(&buffers, 1),
            };
            queued[1] += u32::from(is_queued(&said, lease.reduce(&queue, reduce).await));
            let top_k = TopK {
                element: Element::F32,
                rows,
                columns,
                k,
                input: said.rows(&buffers, 0),
                values: said.rows(&buffers, 1),
                indices: said.rows(&buffers, 2),
            };
            queued[2] += u32::from(is_queued(&said, lease.top_k(&queue, top_k).await));
            let attention = Attention {
                element: Element::F32,
                batch: said.numbers[12],
                heads: said.numbers[13],
                key_heads: said.numbers[14],
                queries: said.numbers[15],
                keys: said.numbers[16],
                size: said.numbers[17],
                scale: 1.0,
                is_causal: said.is_causal,
                lengths: said.has_lengths.then(|| said.vector(&buffers, 4)),
                q: said.heads(&buffers, 0),
                k: said.heads(&buffers, 1),
                v: said.heads(&buffers, 2),
                output: said.heads(&buffers, 3),
            };
            queued[3] += u32::from(is_queued(&said, lease.attention(&queue, attention).await));
            // A kernel that left its buffers is a fault.
            queue.synchronize().await.unwrap();
        }
        assert!(queued.iter().all(|count| *count >= 20), "{queued:?}");
    })
    .await;
}
