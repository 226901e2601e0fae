//! Profiles: what is counted of small kernels is what a reader counts by hand.

use std::sync::Arc;

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::InterpretedLaunch;
use tensor_wasm_ptx::interpret::profile::{LineProfile, Profile};
use tensor_wasm_ptx::simt::{Launch, RunError};
use tensor_wasm_ptx::{Extent, Limits, parse};

use crate::common::Flat;

/// More than any kernel here takes.
const STEPS: u64 = 10_000_000;

/// Profiles a kernel with one parameter, an address, whose body is `body`. Line 1 of the result is
/// the first one of the body.
fn profiled(body: &str, blocks: u32, threads: u32) -> (Profile, Result<(), RunError>) {
    let head =
        ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n";
    let text = format!("{head}{body}\n}}\n");
    let module = parse(text.as_bytes(), &Limits::default());
    let module = Arc::new(module.unwrap_or_else(|found| panic!("{found:?}")));
    let line = |x| Extent { x, y: 1, z: 1 };
    let launch = Launch::new(
        module,
        "k",
        line(blocks),
        line(threads),
        0,
        GLOBAL_BASE.to_le_bytes().to_vec(),
        Vec::new(),
    );
    let memory = Flat::new(1 << 16);
    let (mut profile, ended) = InterpretedLaunch::profile_grid(launch.unwrap(), &memory, STEPS);
    let lines = std::mem::take(&mut profile.lines);
    profile.lines = lines.into_iter().map(|(at, line)| (at - 5, line)).collect();
    (profile, ended)
}

fn line(profile: &Profile, number: u32) -> LineProfile {
    profile.lines.get(&number).cloned().unwrap_or_default()
}

#[test]
fn each_line_is_counted_for_threads_and_for_warps() {
    let body = "\
.reg .b32 %r<3>;
.reg .pred %p;
mov.u32 %r1, %tid.x;
setp.ge.u32 %p, %r1, 40;
@%p bra done;
add.u32 %r2, %r1, 1;
done:
ret;";
    let (profile, ended) = profiled(body, 3, 48);
    assert_eq!(ended, Ok(()));
    assert_eq!((profile.blocks, profile.threads), (3, 144));
    assert!(!profile.is_split);
    // Two warps a block, of 32 and of 16 threads.
    let first = line(&profile, 3);
    assert_eq!((first.executions, first.warp_executions), (144, 6));
    let branch = line(&profile, 5);
    assert_eq!((branch.executions, branch.predicated_off), (3 * 8, 3 * 40));
    assert_eq!((branch.branches, branch.divergent_branches), (6, 3));
    let behind = line(&profile, 6);
    assert_eq!((behind.executions, behind.warp_executions), (120, 6));
}

#[test]
fn a_loop_counts_each_turn_of_the_busiest_thread_for_its_warp() {
    let body = "\
.reg .b32 %r<3>;
.reg .pred %p;
mov.u32 %r1, %tid.x;
again:
sub.u32 %r1, %r1, 1;
setp.gt.s32 %p, %r1, 0;
@%p bra again;
ret;";
    let (profile, _) = profiled(body, 1, 32);
    let turn = line(&profile, 5);
    // Threads 0 and 1 take one turn, each other one as many as its number.
    assert_eq!(turn.executions, 1 + (1..32).sum::<u64>());
    assert_eq!(turn.warp_executions, 31);
    let branch = line(&profile, 7);
    assert_eq!(branch.branches, 31);
    // In the last turn one thread is alone, and goes one way.
    assert_eq!(branch.divergent_branches, 30);
}

#[test]
fn sectors_tell_neighbours_from_strides() {
    let body = "\
.reg .b32 %r<4>;
.reg .b64 %d<4>;
mov.u32 %r1, %tid.x;
ld.param.u64 %d1, [out];
mul.wide.u32 %d2, %r1, 4;
add.s64 %d3, %d1, %d2;
st.global.u32 [%d3], %r1;
mul.wide.u32 %d2, %r1, 128;
add.s64 %d3, %d1, %d2;
ld.global.u32 %r2, [%d3];
atom.global.add.u32 %r3, [%d1], 1;
ret;";
    let (profile, _) = profiled(body, 1, 64);
    let near = line(&profile, 7).global;
    assert_eq!((near.requests, near.sectors, near.ideal_sectors), (2, 8, 8));
    assert_eq!((near.bytes_read, near.bytes_written), (0, 256));
    let far = line(&profile, 10).global;
    assert_eq!((far.requests, far.sectors, far.ideal_sectors), (2, 64, 8));
    let one = line(&profile, 11).global;
    assert_eq!((one.requests, one.sectors), (2, 2));
    assert_eq!((one.bytes_read, one.bytes_written), (256, 256));
    let total = profile.total().global;
    assert_eq!((total.requests, total.sectors), (6, 74));
}

#[test]
fn conflicts_on_banks_and_waits_at_barriers_are_counted() {
    let body = "\
.shared .align 4 .b8 tile[4096];
.reg .b32 %r<5>;
.reg .pred %p;
mov.u32 %r1, %tid.x;
mov.u32 %r2, tile;
shl.b32 %r3, %r1, 7;
add.u32 %r4, %r2, %r3;
st.shared.u32 [%r4], %r1;
setp.ne.u32 %p, %r1, 0;
@%p bra wait;
add.u32 %r3, %r3, 1;
add.u32 %r3, %r3, 1;
wait:
bar.sync 0;
ret;";
    let (profile, ended) = profiled(body, 2, 32);
    assert_eq!(ended, Ok(()));
    let store = line(&profile, 8).shared;
    assert_eq!((store.requests, store.wavefronts), (2, 64));
    assert_eq!(store.bank_conflicts, 62);
    assert_eq!(store.bytes_written, 2 * 32 * 4);
    let barrier = line(&profile, 14);
    assert_eq!(barrier.barrier_arrivals, 64);
    // All but one thread of a block skip two steps.
    assert_eq!(barrier.barrier_waited_steps, 2 * 31 * 2);
}

#[test]
fn a_kernel_that_faults_or_does_not_end_has_the_counts_until_then() {
    let fault = "\
.reg .b64 %d1;
.reg .b32 %r1;
mov.u64 %d1, 8;
ld.global.u32 %r1, [%d1];
ret;";
    let (profile, ended) = profiled(fault, 1, 1);
    assert!(matches!(ended, Err(RunError::Fault(_))), "{ended:?}");
    assert_eq!(line(&profile, 3).executions, 1);
    assert_eq!(profile.blocks, 0);
    let endless = "again:\nbra again;\nret;";
    let (profile, ended) = profiled(endless, 1, 1);
    assert_eq!(ended, Err(RunError::StepLimit { limit: STEPS }));
    assert_eq!(line(&profile, 2).executions, STEPS);
}

#[test]
fn a_profile_is_the_same_on_each_run() {
    let body = "\
.reg .b32 %r<3>;
.reg .pred %p;
mov.u32 %r1, %tid.x;
rem.u32 %r2, %r1, 7;
setp.gt.u32 %p, %r2, 3;
@%p bra done;
bar.sync 0;
done:
ret;";
    let first = profiled(body, 5, 96);
    assert_eq!(first, profiled(body, 5, 96));
}
