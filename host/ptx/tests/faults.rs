//! What a running kernel can do wrong, and what a launch can: each is an error that says where.

use std::sync::Arc;

use crate::common::{Arguments, Flat, launch, line, module};
use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::{InterpretedBlock, InterpretedLaunch, run_grid};
use tensor_wasm_ptx::simt::{Fault, Launch, LaunchError, Progress, RunError};
use tensor_wasm_ptx::{Extent, Limits, Module, parse};

fn kernel(body: &str) -> Arc<Module> {
    module(&format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .pred %p<8>; .reg .b32 %r<8>; .reg .b64 %d<8>;\nld.param.u64 %d1, [p];\nmov.u32 %r1, %tid.x;\n{body}\nret;\n}}\n"
    ))
}

#[track_caller]
fn fault(body: &str, threads: u32) -> Fault {
    let memory = Flat::new(64);
    match launch(
        &kernel(body),
        "k",
        line(2),
        line(threads),
        0,
        Arguments::new().pointer(0),
        &memory,
    ) {
        Err(RunError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn accesses_outside_of_memory_name_kernel_block_thread_line_and_address() {
    let found = fault(
        "mul.wide.u32 %d2, %r1, 4;\nadd.u64 %d2, %d2, %d1;\nst.global.u32 [%d2], %r1;",
        32,
    );
    assert_eq!(found.kernel, "k");
    assert_eq!(found.block, Some(Extent { x: 0, y: 0, z: 0 }));
    assert_eq!(found.thread, Some(Extent { x: 16, y: 0, z: 0 }));
    assert_eq!(found.line, Some(11));
    assert!(found.message.contains("0x10000000040"), "{found}");
    let shown = found.to_string();
    assert!(
        shown.starts_with("kernel k, block (0, 0, 0), thread (16, 0, 0), line 11: "),
        "{shown}"
    );
}

#[test]
fn null_foreign_misaligned_and_wild_addresses_are_faults() {
    for (body, expected) in [
        (
            "ld.global.u32 %r2, [0];",
            "at address 0x0, where there is no memory",
        ),
        (
            "ld.u32 %r2, [0];",
            "at address 0x0, where there is no memory",
        ),
        (
            "mov.u64 %d2, -4; ld.global.u32 %r2, [%d2];",
            "0xfffffffffffffffc",
        ),
        ("mov.u64 %d2, -4; ld.u32 %r2, [%d2];", "0xfffffffffffffffc"),
        ("ld.global.u32 %r2, [%d1+2];", "not aligned to 4 bytes"),
        (
            "ld.global.v2.u32 {%r2, %r3}, [%d1+4];",
            "not aligned to 8 bytes",
        ),
        (
            "atom.global.add.u32 %r2, [%d1+64], 1;",
            "nothing is allocated",
        ),
        ("atom.add.u32 %r2, [%d1+2], 1;", "not aligned"),
        (
            ".shared .b32 s[4]; ld.shared.u32 %r2, [s+16];",
            "at address 0x10 of shared memory, which has 16 bytes",
        ),
        (
            ".shared .b32 s[4]; ld.shared.u32 %r2, [s+-4];",
            "of shared memory",
        ),
        (
            ".local .b32 l[4]; mov.u64 %d2, l; cvta.local.u64 %d2, %d2; st.u32 [%d2+16], %r1;",
            "of local memory, which has 16 bytes",
        ),
        ("ld.shared.u32 %r2, [%d1];", "of shared memory"),
        (
            "mov.u64 %d2, p; cvta.param.u64 %d2, %d2; ld.u64 %d3, [%d2+8];",
            "of parameter memory, which has 8 bytes",
        ),
        (
            "mov.u64 %d2, p; cvta.param.u64 %d2, %d2; st.u64 [%d2], %d1;",
            "read-only",
        ),
        ("trap;", "`trap`"),
        (
            "ts: .branchtargets x; mov.u32 %r2, 1; brx.idx %r2, ts; x:",
            "jumps to entry 1 of a list of 1 labels",
        ),
    ] {
        let found = fault(body, 1);
        assert!(found.message.contains(expected), "{body}: {found}");
        assert_eq!(found.line, Some(9), "{found}");
    }
}

#[test]
fn a_barrier_that_others_never_reach_is_a_fault_that_says_who_waits() {
    let found = fault(
        "setp.lt.u32 %p1, %r1, 10;\n@%p1 bra low;\nbar.sync 1;\nbra end;\nlow:\nbar.sync 0;\nend:",
        32,
    );
    assert_eq!(found.thread, None);
    assert!(found.message.contains("barrier 0 is waited for by 10 threads, barrier 1 is waited for by 22 threads, 0 have ended"), "{found}");
    let found = fault("bar.sync 0, 64;", 32);
    assert!(
        found
            .message
            .contains("barrier 0 is to wait for 64 threads, the block has 32"),
        "{found}"
    );
    let found = fault("bar.sync 16;", 1);
    assert!(found.message.contains("there is no barrier 16"), "{found}");
}

#[test]
fn threads_that_have_ended_are_not_waited_for() {
    let memory = Flat::new(64);
    let kernel = kernel(
        "setp.gt.u32 %p1, %r1, 3;\n@%p1 exit;\nbar.sync 0;\natom.global.add.u32 %r2, [%d1], 1;",
    );
    launch(
        &kernel,
        "k",
        line(1),
        line(100),
        0,
        Arguments::new().pointer(0),
        &memory,
    )
    .unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [4]);
}

#[test]
fn warps_that_wait_for_lanes_that_are_elsewhere_are_a_fault() {
    let found = fault(
        "setp.eq.u32 %p1, %r1, 0;\n@%p1 bra alone;\nbar.sync 0;\nalone:\nshfl.sync.idx.b32 %r2, %r1, 0, 31, -1;\nbar.sync 0;",
        32,
    );
    assert!(found.message.contains("wait"), "{found}");
    let found = fault("shfl.sync.idx.b32 %r2, %r1, 0, 31, 2;", 1);
    assert!(found.message.contains("leaves out the thread"), "{found}");
}

#[test]
fn an_endless_loop_yields_and_can_be_given_up() {
    let module = kernel("loop: bra loop;");
    let arguments = GLOBAL_BASE.to_le_bytes().to_vec();
    let launch = Launch::new(module, "k", line(1), line(64), 0, arguments, Vec::new()).unwrap();
    let memory = Flat::new(0);
    assert_eq!(
        run_grid(&launch, &memory, 1_000_000),
        Err(RunError::StepLimit { limit: 1_000_000 })
    );
    let launch = InterpretedLaunch::new(launch);
    let mut block = InterpretedBlock::new(&launch, launch.launch().block_index(0));
    for _ in 0..10 {
        assert_eq!(block.run(&launch, &memory, 1000), Ok(Progress::Yielded));
    }
    assert_eq!(block.steps(), 10_000);
}

#[test]
fn a_thread_that_spins_until_another_writes_gets_its_answer() {
    let memory = Flat::new(64);
    let kernel = kernel(
        "setp.eq.u32 %p1, %r1, 0;\n@!%p1 bra write;\nspin: ld.volatile.global.u32 %r2, [%d1];\nsetp.eq.u32 %p2, %r2, 0;\n@%p2 bra spin;\nbra end;\n\
         write: st.volatile.global.u32 [%d1], 1;\nend:",
    );
    launch(
        &kernel,
        "k",
        line(1),
        line(2),
        0,
        Arguments::new().pointer(0),
        &memory,
    )
    .unwrap();
}

#[test]
fn a_block_that_is_run_in_slices_computes_the_same() {
    let text = include_str!("data/kernels.ptx");
    let module = module(text);
    let values: Vec<i32> = (0..512).map(|i| i * 37 % 101).collect();
    let run = |slice: u64| {
        let memory = Flat::new(1 << 13);
        memory.put(0, &values);
        let arguments = Arguments::new().pointer(0).pointer(4096).with(512i32).0;
        let symbols = crate::common::place_globals(&module, &memory);
        let launch = Launch::new(
            module.clone(),
            "block_sums",
            line(2),
            line(256),
            1024,
            arguments,
            symbols,
        )
        .unwrap();
        let grid = InterpretedLaunch::new(launch);
        let launch = grid.launch();
        let mut block = InterpretedBlock::new(&grid, launch.block_index(0));
        for linear in 0..launch.blocks() {
            block.restart(&grid, launch.block_index(linear));
            while block.run(&grid, &memory, slice).unwrap() == Progress::Yielded {}
        }
        memory.get::<i32>(4096, 2)
    };
    let expected: Vec<i32> = values.chunks(256).map(|part| part.iter().sum()).collect();
    for slice in [1, 7, 1000, u64::MAX] {
        assert_eq!(run(slice), expected);
    }
}

#[test]
fn launches_that_do_not_fit_the_entry_are_refused() {
    let module = kernel("");
    let new = |entry: &str, grid, block, shared, bytes: usize, symbols: usize| {
        let launch = Launch::new(
            module.clone(),
            entry,
            grid,
            block,
            shared,
            vec![0; bytes],
            vec![0; symbols],
        );
        launch.map(|_| ())
    };
    let big = Extent {
        x: u32::MAX,
        y: u32::MAX,
        z: u32::MAX,
    };
    assert_eq!(new("k", line(1), line(1), 0, 8, 0), Ok(()));
    assert!(matches!(
        new("x", line(1), line(1), 0, 8, 0),
        Err(LaunchError::UnknownEntry(_))
    ));
    assert!(matches!(
        new("k", line(0), line(1), 0, 8, 0),
        Err(LaunchError::Extent { what: "grid", .. })
    ));
    assert!(matches!(
        new("k", big, line(1), 0, 8, 0),
        Err(LaunchError::Extent { what: "grid", .. })
    ));
    assert!(matches!(
        new("k", line(1), line(0), 0, 8, 0),
        Err(LaunchError::Extent { what: "block", .. })
    ));
    assert!(matches!(
        new("k", line(1), big, 0, 8, 0),
        Err(LaunchError::Extent { what: "block", .. })
    ));
    assert!(matches!(
        new("k", line(1), line(1025), 0, 8, 0),
        Err(LaunchError::Extent { what: "block", .. })
    ));
    assert!(matches!(
        new("k", line(1), line(1), 0, 7, 0),
        Err(LaunchError::Arguments {
            expected: 8,
            given: 7,
            ..
        })
    ));
    assert!(matches!(
        new("k", line(1), line(1), 0, 8, 1),
        Err(LaunchError::Symbols {
            expected: 0,
            given: 1
        })
    ));
    let too_large = new("k", line(1), line(1), u32::MAX, 8, 0).unwrap_err();
    assert!(
        too_large.to_string().contains("use fewer threads"),
        "{too_large}"
    );
}

#[test]
fn a_blocks_state_is_bounded_as_a_whole() {
    let text = ".version 8.0\n.target sm_80\n.address_size 64\n.entry k() { .local .b8 l[400000]; .reg .b64 %d; mov.u64 %d, l; ret; }";
    let module = Arc::new(parse(text.as_bytes(), &Limits::default()).unwrap());
    let launch = |threads| {
        Launch::new(
            module.clone(),
            "k",
            line(1),
            line(threads),
            0,
            Vec::new(),
            Vec::new(),
        )
    };
    assert!(launch(32).is_ok());
    assert!(matches!(
        launch(1024),
        Err(LaunchError::BlockTooLarge { .. })
    ));
}

#[test]
fn division_by_zero_harms_nobody() {
    let memory = Flat::new(64);
    let kernel = kernel(
        "mov.u32 %r2, 0; div.u32 %r3, %r1, %r2; rem.s32 %r4, %r1, %r2; st.global.u32 [%d1], %r3;",
    );
    launch(
        &kernel,
        "k",
        line(1),
        line(4),
        0,
        Arguments::new().pointer(0),
        &memory,
    )
    .unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [u32::MAX]);
}

#[test]
fn a_line_of_the_text_comes_from_the_line_of_the_source_that_loc_names() {
    let module = module(
        ".version 8.0\n.target sm_80\n.address_size 64\n.file 1 \"kernels.cu\"\n.file 7 \"src\" \"lib.rs\"\n\
         .visible .entry k()\n{\n.reg .b32 %r<2>;\n.loc 1 12 5\nmov.u32 %r1, 1;\nmov.u32 %r1, 2;\n\
         .loc 7 3 1, function_name $name, inlined_at 1 13 2\nmov.u32 %r1, 3;\n.loc 1 0 0\nret;\n}\n\
         .visible .entry other()\n{\nret;\n}\n",
    );
    let place = |line| {
        let found = module.source_line(line)?;
        Some((found.file.to_owned(), found.line))
    };
    let places: Vec<_> = (9..=19).map(place).collect();
    let one = Some(("kernels.cu".to_owned(), 12));
    let two = Some(("lib.rs".to_owned(), 3));
    let expected = [
        &one, &one, &one, &two, &two, &None, &None, &None, &None, &None, &None,
    ];
    assert_eq!(places.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn every_thread_that_faults_can_be_asked_for() {
    let text = kernel(
        "and.b32 %r2, %r1, 3; setp.eq.u32 %p1, %r2, 1;\n@%p1 trap;\nsetp.eq.u32 %p2, %r1, 6; setp.eq.u32 %p3, %r1, 0;\n\
         @%p2 st.global.u32 [0], %r1;\n@%p3 bra last;\nbar.sync 0;\nlast: @%p3 trap;",
    );
    let launch = Launch::new(
        text,
        "k",
        line(1),
        line(8),
        0,
        Arguments::new().pointer(0).0,
        vec![],
    );
    let interpreted = InterpretedLaunch::new(Arc::new(launch.unwrap()));
    let memory = Flat::new(64);
    let run = || InterpretedBlock::new(&interpreted, Extent { x: 0, y: 0, z: 0 });
    let found: Vec<(u32, u32)> = run()
        .faults(&interpreted, &memory, 10_000)
        .iter()
        .map(|fault| (fault.thread.unwrap().x, fault.line.unwrap()))
        .collect();
    // Those that wait for the others at the barrier do nothing wrong.
    assert_eq!(found, [(0, 15), (1, 10), (5, 10), (6, 12)]);
    let first = run().run(&interpreted, &memory, 10_000).unwrap_err();
    assert_eq!(first.thread, Some(Extent { x: 0, y: 0, z: 0 }));
}
