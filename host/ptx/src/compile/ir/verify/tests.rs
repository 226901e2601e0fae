//! What the verifier refuses.

use super::*;
use crate::compile::ir::samples::{Shape, random};
use crate::compile::ir::{Block, LibcallId, Site, SuspendId, SuspendKind, SuspendPoint};

/// Two blocks: one that does these steps and one that ends the kernel.
fn kernel(ops: Vec<Op>, end: End) -> Body {
    let mut body = Body::default();
    for ty in [Ty::I32, Ty::I64, Ty::F32, Ty::I32] {
        body.reg(ty);
    }
    body.declared = [WORD, LONG, SINGLE].into_iter().collect();
    body.sites.push(Site {
        line: 1,
        what: SiteKind::Access {
            space: Space::Global,
            bytes: 4,
            lanes: 1,
            write: false,
        },
    });
    body.blocks.push(Block { line: 0, ops, end });
    body.blocks.push(Block {
        line: 0,
        ops: Vec::new(),
        end: End::Exit,
    });
    body
}

const WORD: Reg = Reg(0);
const LONG: Reg = Reg(1);
const SINGLE: Reg = Reg(2);
/// One that the PTX does not declare.
const OWN: Reg = Reg(3);
const NEXT: End = End::Jump(BlockId(1));

#[track_caller]
fn wrong(ops: Vec<Op>, end: End, what: &str) {
    let error = verify(&kernel(ops, end)).unwrap_err();
    assert!(error.what.contains(what), "{error}");
}

#[test]
fn random_kernels_are_right() {
    let mut rng = fastrand::Rng::with_seed(4);
    for _ in 0..200 {
        let shape = Shape {
            blocks: 6,
            ops_per_block: 6,
            suspends: false,
        };
        let body = random(&mut rng, &shape);
        assert_eq!(verify(&body), Ok(()));
    }
}

#[test]
fn what_the_ir_names_must_exist() {
    assert_eq!(verify(&kernel(Vec::new(), NEXT)), Ok(()));
    let missing = Reg(9);
    let copy = Op::Copy(WORD, Arg::Reg(missing));
    wrong(vec![copy], NEXT, "v9 does not exist");
    let copy = Op::Copy(missing, Arg::I32(0));
    wrong(vec![copy], NEXT, "v9 does not exist");
    let branch = End::Branch(Arg::Reg(WORD), BlockId(1), BlockId(2));
    wrong(Vec::new(), branch, "block2 does not exist");
    let fault = End::Fault(SiteId(1), Arg::I64(0));
    wrong(Vec::new(), fault, "site1 does not exist");
    let suspend = End::Suspend(SuspendId(0), BlockId(1));
    wrong(Vec::new(), suspend, "suspend0 does not exist");
    let call = Op::Libcall {
        target: LONG,
        libcall: LibcallId(0),
        args: Vec::new(),
    };
    wrong(vec![call], NEXT, "libcall0 does not exist");
    assert!(references(&Body::default()).is_err());
}

#[test]
fn operands_and_results_have_the_types_of_their_operation() {
    let copy = Op::Copy(WORD, Arg::Reg(LONG));
    wrong(vec![copy], NEXT, "v1 is i64, not i32");
    let add = Op::Binary(Opcode::I32Add, WORD, Arg::Reg(WORD), Arg::I64(1));
    wrong(vec![add], NEXT, "the operand of i32.add 1:i64 is i64");
    let wrap = Op::Unary(Opcode::I32WrapI64, LONG, Arg::Reg(LONG));
    wrong(vec![wrap], NEXT, "the result v1 is i64, not i32");
    let select = Op::Select(SINGLE, Arg::Reg(LONG), Arg::F32(0), Arg::F32(0));
    wrong(vec![select], NEXT, "the condition");
    let fma = Op::Fma(WORD, Arg::I32(0), Arg::I32(0), Arg::I32(0));
    wrong(vec![fma], NEXT, "fma");
    let branch = End::Branch(Arg::Reg(SINGLE), BlockId(1), BlockId(1));
    wrong(Vec::new(), branch, "the condition v2 is f32");
}

#[test]
fn an_access_is_what_its_site_says() {
    let load = |target: Reg, base: Arg, bytes: u8| Op::Load {
        targets: vec![target],
        place: AccessAddress {
            space: Space::Global,
            base,
            offset: 0,
            site: SiteId(0),
        },
        bytes,
        atomic: false,
    };
    let right = vec![load(WORD, Arg::Reg(LONG), 4)];
    assert_eq!(verify(&kernel(right, NEXT)), Ok(()));
    wrong(vec![load(WORD, Arg::Reg(WORD), 4)], NEXT, "the address");
    wrong(
        vec![load(WORD, Arg::Reg(LONG), 2)],
        NEXT,
        "an access of 1 times 2 bytes",
    );
    let Op::Load { place, .. } = load(WORD, Arg::Reg(LONG), 4) else {
        unreachable!()
    };
    let store = Op::Store {
        place,
        bytes: 4,
        values: vec![Arg::I32(0)],
        atomic: false,
    };
    wrong(vec![store], NEXT, "an access of 1 times 4 bytes");
}

#[test]
fn a_register_of_the_compilers_own_is_written_before_it_is_read_on_every_path() {
    let read = || Op::Copy(WORD, Arg::Reg(OWN));
    let write = || Op::Copy(OWN, Arg::I32(1));
    assert_eq!(verify(&kernel(vec![write(), read()], NEXT)), Ok(()));
    wrong(
        vec![read(), write()],
        NEXT,
        "v3 may be read before it is written",
    );
    // Only one of two paths writes it.
    let branch = End::Branch(Arg::Reg(WORD), BlockId(1), BlockId(2));
    let mut body = kernel(Vec::new(), branch);
    for (ops, end) in [
        (vec![write()], End::Jump(BlockId(3))),
        (vec![read()], End::Exit),
    ] {
        let block = Block { line: 0, ops, end };
        body.blocks.push(block);
    }
    body.blocks.get_mut(BlockId(1)).unwrap().end = End::Jump(BlockId(3));
    assert!(verify(&body).is_err());
}

#[test]
fn a_suspend_point_ends_one_block_and_has_the_inputs_of_its_kind() {
    let mut body = kernel(Vec::new(), End::Suspend(SuspendId(0), BlockId(1)));
    body.suspend_points.push(SuspendPoint {
        line: 1,
        kind: SuspendKind::Plain(0),
        in_whole_warps: false,
        inputs: Vec::new(),
        results: Vec::new(),
    });
    assert_eq!(verify(&body), Ok(()));
    body.blocks.get_mut(BlockId(1)).unwrap().end = End::Suspend(SuspendId(0), BlockId(1));
    let error = verify(&body).unwrap_err();
    assert!(error.what.contains("more than one block"), "{error}");
    body.blocks.get_mut(BlockId(1)).unwrap().end = End::Exit;
    let point = body.suspend_points.get_mut(SuspendId(0)).unwrap();
    point.inputs.push(Arg::I64(0));
    let error = verify(&body).unwrap_err();
    assert!(error.what.contains("1 inputs"), "{error}");
}
