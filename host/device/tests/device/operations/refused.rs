//! What does not fit is refused with what was said, and changes nothing.

use tensor_wasm_device::{
    AddedMask, Attention, Element, Error, HeadRows, Limits, Norm, NormKind, Reduce, Reduction,
    Softmax, TopK, Vector,
};

use super::super::common::{device, in_time, session};
use super::{rows, vector};

#[track_caller]
fn assert_refused(what: &str, refused: Result<(), Error>, texts: &[&str]) {
    let message = match refused {
        Err(Error::InvalidLaunch(message) | Error::OutOfRange(message)) => message,
        other => panic!("{what}: {other:?}"),
    };
    for text in texts {
        assert!(message.contains(text), "{what}: {message}");
    }
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused_and_nothing_is_written() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let [input, output] = [(); 2].map(|()| lease.allocate(96));
        let (input, output) = (input.await.unwrap(), output.await.unwrap());
        queue.fill(&output, 0, 96, 0x55).await.unwrap();
        let plain = || Softmax {
            element: Element::F32,
            rows: 4,
            columns: 6,
            scale: 1.0,
            causal_queries: None,
            lengths: None,
            mask: None,
            input: rows(&input, 6),
            output: rows(&output, 6),
        };
        let shape = "softmax of 4 rows of 6 elements";
        for (what, change, texts) in [
            (
                "one element too few",
                (|op| op.output.offset = 4) as fn(&mut Softmax),
                &[shape, "output", "96 bytes at offset 4"][..],
            ),
            (
                "elements of 64 bits",
                |op| op.element = Element::F64,
                &["f64"],
            ),
            ("elements of 8 bits", |op| op.element = Element::S8, &["s8"]),
            (
                "an offset within an element",
                |op| op.input.offset = 2,
                &["input begins at offset 2"],
            ),
            (
                "rows that are too short",
                |op| op.input.leading_dimension = 5,
                &["leading dimension of 5"],
            ),
            (
                "rows that overflow",
                |op| op.input.leading_dimension = u64::MAX,
                &["more bytes than 64 bits"],
            ),
            (
                "more rows than bytes",
                |op| op.rows = u64::MAX,
                &["more bytes than 64 bits"],
            ),
            (
                "rows that are too long",
                |op| op.columns = 1 << 31,
                &["2147483647"],
            ),
            (
                "an offset that overflows",
                |op| op.output.offset = u64::MAX - 3,
                &["does not lie within"],
            ),
            (
                "a result that begins within the input",
                |op| {
                    (op.rows, op.output.buffer) = (2, op.input.buffer.clone());
                    op.output.offset = 4;
                },
                &["output lies in the same part of a buffer as input"],
            ),
            (
                "a scale that is no number",
                |op| op.scale = f64::NAN,
                &["scale is NaN"],
            ),
            (
                "a scale that is too large",
                |op| op.scale = 1e39,
                &["scale is 1"],
            ),
            (
                "a causal mask of no queries",
                |op| op.causal_queries = Some(0),
                &["0 queries"],
            ),
            (
                "lengths of no rows",
                |op| op.lengths = Some((vector(&op.input.buffer), 0)),
                &["0 rows"],
            ),
            (
                "too few lengths",
                |op| {
                    let lengths = Vector {
                        offset: 84,
                        ..vector(&op.input.buffer)
                    };
                    op.lengths = Some((lengths, 1));
                },
                &["lengths", "16 bytes at offset 84"],
            ),
            (
                "a mask of no rows",
                |op| {
                    op.mask = Some(AddedMask {
                        rows: op.input.clone(),
                        count: 0,
                    });
                },
                &["mask has 0 rows"],
            ),
            (
                "a mask that is written",
                |op| {
                    op.mask = Some(AddedMask {
                        rows: op.output.clone(),
                        count: 1,
                    });
                },
                &["the same part of a buffer as mask"],
            ),
        ] {
            let mut softmax = plain();
            change(&mut softmax);
            assert_refused(what, lease.softmax(&queue, softmax).await, texts);
        }
        // What has no elements is no mistake, and does nothing.
        for change in [
            |softmax: &mut Softmax| softmax.rows = 0,
            |softmax: &mut Softmax| softmax.columns = 0,
        ] {
            let mut softmax = plain();
            change(&mut softmax);
            lease.softmax(&queue, softmax).await.unwrap();
        }
        let norm = Norm {
            kind: NormKind::Layer,
            element: Element::F32,
            rows: 4,
            columns: 6,
            epsilon: -1.0,
            weight: None,
            bias: None,
            input: rows(&input, 6),
            output: rows(&output, 6),
        };
        let refused = lease.norm(&queue, norm.clone()).await;
        assert_refused("a negative epsilon", refused, &["layer-norm of 4", "-1"]);
        let weight = Vector {
            offset: 76,
            ..vector(&input)
        };
        let short = Norm {
            epsilon: 0.0,
            weight: Some(weight),
            ..norm.clone()
        };
        let refused = lease.norm(&queue, short).await;
        assert_refused("a short weight", refused, &["weight of 24 bytes"]);
        let still = Norm {
            kind: NormKind::Rms,
            epsilon: 0.0,
            bias: Some(Vector {
                increment: 0,
                ..vector(&input)
            }),
            ..norm
        };
        let refused = lease.norm(&queue, still).await;
        assert_refused("one bias", refused, &["rms-norm", "increment of 0"]);
        let reduce = |reduction, columns| Reduce {
            reduction,
            element: Element::F32,
            rows: 4,
            columns,
            input: rows(&input, 6),
            output: Vector {
                increment: 8,
                ..vector(&output)
            },
        };
        let refused = lease.reduce(&queue, reduce(Reduction::Sum, 6)).await;
        assert_refused("a short result", refused, &["sum of 4", "output of 100"]);
        let refused = lease.reduce(&queue, reduce(Reduction::Max, 0)).await;
        assert_refused("the largest of none", refused, &["max of 4 rows of 0"]);
        let top_k = |k| TopK {
            element: Element::F32,
            rows: 4,
            columns: 6,
            k,
            input: rows(&input, 6),
            values: rows(&output, 6),
            indices: rows(&output, 6),
        };
        let refused = lease.top_k(&queue, top_k(7)).await;
        assert_refused("more than there are", refused, &["a k of 7"]);
        let refused = lease.top_k(&queue, top_k(6)).await;
        assert_refused("one place for both", refused, &["indices", "values"]);
        lease.top_k(&queue, top_k(0)).await.unwrap();
        assert_eq!(queue.read(&output, 0, 96).await.unwrap(), [0x55; 96]);
    })
    .await;
}

#[tokio::test]
async fn attention_that_does_not_fit_is_refused_and_nothing_is_written() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let [input, output] = [(); 2].map(|()| lease.allocate(240));
        let (input, output) = (input.await.unwrap(), output.await.unwrap());
        queue.fill(&output, 0, 240, 0x55).await.unwrap();
        let heads = |buffer| HeadRows {
            buffer,
            offset: 0,
            row_stride: 5,
            head_stride: 15,
            batch_stride: 30,
        };
        let plain = || Attention {
            element: Element::F32,
            batch: 2,
            heads: 2,
            key_heads: 2,
            queries: 3,
            keys: 3,
            size: 5,
            scale: 1.0,
            is_causal: false,
            lengths: None,
            q: heads(input.clone()),
            k: heads(input.clone()),
            v: heads(input.clone()),
            output: heads(output.clone()),
        };
        let shape = "3 queries to 3 keys of 5 elements, with 2 heads, 2 of keys, 2 times";
        for (what, change, texts) in [
            (
                "one element too few",
                (|op| op.v.offset = 4) as fn(&mut Attention),
                &[shape, "v of 240 bytes at offset 4"][..],
            ),
            (
                "a stride that overflows",
                |op| op.k.batch_stride = u64::MAX,
                &["k takes more bytes than 64 bits"],
            ),
            (
                "heads that do not divide",
                |op| op.key_heads = 3,
                &["no multiple"],
            ),
            ("no heads of keys", |op| op.key_heads = 0, &["no multiple"]),
            (
                "many heads",
                |op| (op.heads, op.q.head_stride) = (1 << 20, 0),
                &["65535 heads"],
            ),
            ("large heads", |op| op.size = 257, &["256 elements"]),
            (
                "many keys",
                |op| (op.keys, op.k.row_stride, op.v.row_stride) = ((1 << 30) + 1, 0, 0),
                &["1073741824"],
            ),
            (
                "results that share elements",
                |op| op.output.head_stride = 5,
                &["results share elements"],
            ),
            (
                "one result for a batch",
                |op| op.output.batch_stride = 0,
                &["results share elements"],
            ),
            (
                "a result among the queries",
                |op| op.output.buffer = op.q.buffer.clone(),
                &["output lies in the same part of a buffer as q"],
            ),
            (
                "a short list of lengths",
                |op| {
                    op.lengths = Some(Vector {
                        offset: 236,
                        ..vector(&op.q.buffer)
                    });
                },
                &["lengths of 8 bytes at offset 236"],
            ),
            (
                "an unaligned list of lengths",
                |op| {
                    op.lengths = Some(Vector {
                        offset: 2,
                        ..vector(&op.q.buffer)
                    });
                },
                &["lengths begins at offset 2"],
            ),
            (
                "an infinite scale",
                |op| op.scale = f64::INFINITY,
                &["scale is inf"],
            ),
            (
                "elements of 64 bits",
                |op| op.element = Element::F64,
                &["f64"],
            ),
        ] {
            let mut attention = plain();
            change(&mut attention);
            assert_refused(what, lease.attention(&queue, attention).await, texts);
        }
        for change in [
            |op: &mut Attention| op.batch = 0,
            |op: &mut Attention| op.queries = 0,
            |op: &mut Attention| op.size = 0,
            |op: &mut Attention| op.heads = 0,
        ] {
            let mut attention = plain();
            change(&mut attention);
            lease.attention(&queue, attention).await.unwrap();
        }
        assert_eq!(queue.read(&output, 0, 240).await.unwrap(), [0x55; 240]);
        lease.attention(&queue, plain()).await.unwrap();
        assert_eq!(queue.read(&output, 0, 240).await.unwrap(), [0; 240]);
    })
    .await;
}

#[tokio::test]
async fn another_tenant_s_buffers_are_denied() {
    in_time(async {
        let device = device(1);
        let sessions = [(); 2].map(|()| device.session(Limits::default()));
        let (own, other) = (sessions[0].lease(), sessions[1].lease());
        let queue = own.create_queue().await.unwrap();
        let mine = own.allocate(64).await.unwrap();
        let theirs = other.allocate(64).await.unwrap();
        for [input, output] in [[&theirs, &mine], [&mine, &theirs]] {
            let reduce = Reduce {
                reduction: Reduction::Sum,
                element: Element::F32,
                rows: 1,
                columns: 1,
                input: rows(input, 1),
                output: vector(output),
            };
            let refused = own.reduce(&queue, reduce).await;
            assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        }
        let norm = Norm {
            kind: NormKind::Rms,
            element: Element::F32,
            rows: 1,
            columns: 1,
            epsilon: 0.0,
            weight: Some(vector(&theirs)),
            bias: None,
            input: rows(&mine, 1),
            output: rows(&mine, 1),
        };
        let refused = own.norm(&queue, norm).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    })
    .await;
}
