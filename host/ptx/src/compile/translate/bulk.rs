//! Translates `cp.async.bulk` (PTX ISA, "Data Movement and Conversion Instructions: Bulk copy"): it copies
//! at once, in a loop, and tells the barrier.

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, AtomicOp, End, Op as IrOp, SiteKind, Ty};
use crate::compile::translate::{Builder, FunctionScope};
use crate::numeric::Libcall;
use crate::simt::fault::BULK_BYTES;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::types::Type;

impl<'m> Builder<'m> {
    pub(crate) fn copy_bulk(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let bytes = self.source(scope, 2);
        let wrong = self.two(Opcode::I32And, bytes, Arg::I32(BULK_BYTES - 1));
        let (fault, begin) = (self.new_block(), self.new_block());
        let site = self.site(SiteKind::BulkSize);
        self.end(End::Branch(wrong, fault, begin), fault);
        let shown = self.in_64(bytes);
        self.end(End::Fault(site, shown), begin);
        let copied = self.temp(Ty::I32);
        self.push(IrOp::Copy(copied, Arg::I32(0)));
        let copied = Arg::Reg(copied);
        let (head, body, done) = (self.new_block(), self.new_block(), self.new_block());
        self.end(End::Jump(head), head);
        let is_left = self.two(Opcode::I32LtU, copied, bytes);
        self.end(End::Branch(is_left, body, done), body);
        let (from, to) = self.copy_places(scope, 4, BULK_BYTES / 4);
        let words: Vec<_> = (0..BULK_BYTES / 4).map(|_| self.temp(Ty::I32)).collect();
        let place = self.moved_place(from, copied);
        self.push(IrOp::Load {
            targets: words.clone(),
            place,
            bytes: 4,
            atomic: false,
        });
        let place = self.moved_place(to, copied);
        self.push(IrOp::Store {
            place,
            bytes: 4,
            values: words.into_iter().map(Arg::Reg).collect(),
            atomic: false,
        });
        let next = self.two(Opcode::I32Add, copied, Arg::I32(BULK_BYTES));
        if let Arg::Reg(copied) = copied {
            self.push(IrOp::Copy(copied, next));
        }
        self.end(End::Jump(head), done);
        if scope.has(Modifier::CompleteTxBytes) {
            let b = self.in_64(bytes);
            self.barrier_update(scope, (3, Modifier::CompleteTx), b)?;
        }
        Ok(())
    }

    /// Changes a barrier in memory, whose address is the operand of this index.
    pub(crate) fn barrier_update(
        &mut self,
        scope: &FunctionScope<'m>,
        (operand, word): (usize, Modifier),
        b: Arg,
    ) -> Result<(), Unsupported> {
        let Some(libcall) = Libcall::of_atomic(word, Type::B64, &Modifiers::new()) else {
            return Err(self.unsupported("this operation on a barrier in memory"));
        };
        let change = AtomicOp::Libcall(self.libcall(libcall));
        let place = self.place(scope, operand, (8, 1, true));
        self.push(IrOp::Atomic {
            target: None,
            place,
            bytes: 8,
            change,
            b,
            c: Arg::I64(0),
        });
        Ok(())
    }
}
