//! Loading modules, and the variables that they declare.

use std::sync::Arc;

use tensor_wasm_device::{Error, Limits};

use super::common::{KERNELS, device, in_time, line, nothing_is_held, pointer, session, values_of};

#[tokio::test]
async fn a_module_names_its_kernels_and_their_parameters() {
    in_time(async {
        let lease = session().lease();
        let module = lease.load(KERNELS.into()).await.unwrap();
        let names = module.kernel_names();
        assert_eq!(names[..2], ["add", "spin"]);
        let add = module.kernel("add").unwrap();
        assert_eq!(add.name(), "add");
        assert_eq!(add.max_threads_per_block(), 1024);
        let parameters: Vec<_> = add
            .parameters()
            .iter()
            .map(|p| (&*p.name, p.bytes))
            .collect();
        assert_eq!(parameters, [("values", 8), ("count", 4), ("amount", 4)]);
        let Err(Error::UnknownKernel(unknown)) = module.kernel("nope") else {
            panic!("the module has such a kernel");
        };
        assert_eq!(unknown.name, "nope");
        assert_eq!(unknown.kernels, module.kernel_names());
    })
    .await;
}

#[tokio::test]
async fn text_that_is_no_module_is_refused_with_its_place() {
    in_time(async {
        let session = session();
        let lease = session.lease();
        let texts: [&[u8]; 4] = [
            b"",
            b"\xff\x00garbage",
            b".version 7.0\n.target sm_70\n}",
            &[b'('; 100_000],
        ];
        for text in texts {
            match lease.load(text.to_vec()).await {
                Err(Error::InvalidModule(diagnostics)) => assert!(!diagnostics.is_empty()),
                other => panic!("{other:?}"),
            }
        }
        let wrong = KERNELS.replace("mul.wide.u32 %rd2", "frobnicate.u32 %rd2");
        let Err(error) = lease.load(wrong.into()).await else {
            panic!("accepted")
        };
        assert!(error.to_string().contains("frobnicate"), "{error}");
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn many_instances_may_load_the_same_text_at_once() {
    in_time(async {
        let device = device(2);
        let loads: Vec<_> = (0..40)
            .map(|_| {
                let lease = Arc::new(device.session(Limits::default()).lease());
                tokio::spawn(
                    async move { lease.load(KERNELS.into()).await.map(|m| m.kernel_names()) },
                )
            })
            .collect();
        for load in loads {
            assert!(!load.await.unwrap().unwrap().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn each_load_has_variables_of_its_own_that_count_as_memory() {
    in_time(async {
        let text = r#".version 7.0
.target sm_70
.address_size 64
.global .align 4 .u32 total = 5;
.const .align 4 .u32 amount[2] = {10, 20};
.visible .entry step(.param .u64 out)
{
    .reg .b32 %r<3>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [out];
    ld.global.u32 %r1, [total];
    ld.const.u32 %r2, [amount+4];
    add.u32 %r1, %r1, %r2;
    st.global.u32 [total], %r1;
    st.global.u32 [%rd1], %r1;
    ret;
}
"#;
        let session = session();
        let lease = session.lease();
        let (queue, out) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(4).await.unwrap(),
        );
        for _ in 0..2 {
            let module = lease.load(text.into()).await.unwrap();
            assert_eq!(session.usage().memory_bytes, 16);
            let step = module.kernel("step").unwrap();
            for expected in [25, 45] {
                queue
                    .launch(&step, line(1, 1), vec![pointer(&out)])
                    .await
                    .unwrap();
                assert_eq!(values_of(&queue, &out).await.unwrap(), [expected]);
            }
        }
        assert_eq!(session.usage().memory_bytes, 4);
        let small = device(1).session(Limits {
            memory_bytes: 8,
            ..Limits::default()
        });
        let refused = small.lease().load(text.into()).await;
        assert!(matches!(
            refused,
            Err(Error::QuotaExceeded { limit: 8, .. })
        ));
        nothing_is_held(&small).await;
    })
    .await;
}

/// A kernel that keeps a pointer to memory of its own heap in a variable, from one launch to the next.
const KEEPS: &str = ".version 8.0
.target sm_80
.address_size 64
.extern .func (.param .b64 r) malloc (.param .b64 n);
.global .u64 kept;
.visible .entry keeps(.param .u64 values)
{
    .reg .pred %p<2>;
    .reg .b32 %r<3>;
    .reg .b64 %rd<4>;
    .param .b64 size;
    .param .b64 result;
    ld.param.u64 %rd1, [values];
    ld.global.u64 %rd2, [kept];
    setp.ne.u64 %p1, %rd2, 0;
    @%p1 bra KEPT;
    st.param.b64 [size], 64;
    call (result), malloc, (size);
    ld.param.b64 %rd2, [result];
    st.global.u64 [kept], %rd2;
KEPT:
    ld.u32 %r1, [%rd2];
    add.u32 %r1, %r1, 1;
    st.u32 [%rd2], %r1;
    st.global.u32 [%rd1], %r1;
    ret;
}
";

#[tokio::test]
async fn memory_that_a_kernel_allocates_lives_as_long_as_its_module_and_counts_as_the_tenants() {
    in_time(async {
        let session = session();
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let buffer = lease.allocate(4).await.unwrap();
        let before = session.usage().memory_bytes;
        let module = lease.load(KEEPS.into()).await.unwrap();
        assert!(session.usage().memory_bytes >= before + (8 << 20));
        let kernel = module.kernel("keeps").unwrap();
        for count in 1..4 {
            let launched = queue.launch(&kernel, line(1, 1), vec![pointer(&buffer)]);
            launched.await.unwrap();
            assert_eq!(values_of(&queue, &buffer).await.unwrap(), [count]);
        }
        let limited = device(1).session(Limits {
            memory_bytes: 4 << 20,
            ..Limits::default()
        });
        let refused = limited.lease().load(KEEPS.into()).await;
        assert!(
            matches!(refused, Err(Error::QuotaExceeded { .. })),
            "{refused:?}"
        );
    })
    .await;
}
