//! Makes a [`Program`] of an entry: every name, type and modifier is looked at here, so that running
//! looks at none.

mod bulk;
mod call;
mod compare;
mod hint;
mod matrix;
mod memory;
mod operand;
mod wgmma;
mod wmma;

use std::collections::HashMap;
use std::rc::Rc;

use crate::interpret::program::{
    Action, CheckHint, CollectiveStep, Constant, Program, Reduce, Slot, Source, Step,
};
use crate::numeric::{Eval, Flags, alu};
use crate::simt::address::{AddressConversion, is_space_range};
use crate::simt::barrier::CLUSTER_BARRIER;
use crate::simt::instruction::{BarrierInstruction, Members, WarpInstruction};
use crate::simt::warp::ALL_LANES;
use crate::syntax::layout::{self, Frame};
use crate::syntax::module::{Entry, Module};
use crate::syntax::table::Op;
use crate::syntax::tree::{Function, Instruction, Operand, RegisterId};
use crate::syntax::types::Type;
use hint::hint;

/// Makes the program of an entry.
pub(crate) fn program(module: &Module, entry: &Entry) -> Program {
    let mut decoder = Decoder {
        module,
        entry,
        program: Program::default(),
        interned: HashMap::new(),
        starts: HashMap::new(),
        sizes: HashMap::new(),
    };
    for index in &entry.layout.functions {
        if let Some(function) = module.functions.get(*index as usize) {
            let start = index_of(decoder.program.code.len());
            decoder.starts.insert(*index, start);
            decoder.function(*index, function);
        }
    }
    // Calls were noted by function, since most come before what they call.
    let Decoder {
        mut program,
        starts,
        ..
    } = decoder;
    for step in &mut program.code {
        if let Action::Call(call) = &mut step.action {
            call.target = starts.get(&call.target).copied().unwrap_or(u32::MAX);
        }
    }
    program
}

fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

struct Decoder<'m> {
    module: &'m Module,
    entry: &'m Entry,
    program: Program,
    /// Where each constant is in the table.
    interned: HashMap<Constant, u32>,
    /// Where the code of each function begins.
    starts: HashMap<u32, u32>,
    /// What each function takes: asked for at every call, and as long to find as its body.
    sizes: HashMap<u32, Rc<Size>>,
}

/// What one function takes for itself.
#[derive(Debug)]
struct Size {
    slots: u32,
    frame: Frame,
}

/// The function that is being decoded.
struct Scope<'m> {
    index: u32,
    function: &'m Function,
    size: Rc<Size>,
    /// Where its tables of labels begin among the program's.
    first_table: u32,
    instruction: &'m Instruction,
    /// How many slots for computed operands the instruction uses so far.
    computed: u32,
}

impl<'m> Scope<'m> {
    fn carry_flag(&self) -> Slot {
        index_of(self.function.registers.len())
    }

    /// A slot for what nobody wants.
    fn unwanted(&self) -> Slot {
        self.carry_flag() + 1
    }

    fn compute(&mut self) -> Slot {
        self.computed += 1;
        self.unwanted() + self.computed
    }

    fn ty(&self) -> Type {
        self.instruction.modifiers.ty()
    }

    fn operand(&self, index: usize) -> &'m Operand {
        self.instruction
            .operands
            .get(index)
            .unwrap_or(&Operand::Sink)
    }

    /// The elements of an operand in braces.
    fn vector(&self, index: usize) -> &'m [Operand] {
        let operand = self.instruction.operands.get(index);
        operand.map_or(&[], Operand::elements)
    }

    /// The slot of a result, whether somebody wants it or not.
    fn wanted(&self, result: Option<RegisterId>) -> Slot {
        result.map_or(self.unwanted(), |register| register.0)
    }

    fn target_of(&self, operand: &Operand) -> Slot {
        match operand {
            Operand::Register(register) | Operand::Pair(Some(register), _) => register.0,
            Operand::Part(of) => of.register.0,
            _ => self.unwanted(),
        }
    }

    fn target(&self, index: usize) -> Slot {
        self.target_of(self.operand(index))
    }

    fn second_target(&self, index: usize) -> Slot {
        match self.operand(index) {
            Operand::Pair(_, Some(register)) => register.0,
            _ => self.unwanted(),
        }
    }
}

impl<'m> Decoder<'m> {
    fn constant(&mut self, constant: Constant) -> Source {
        let next = index_of(self.program.constants.len());
        let index = *self.interned.entry(constant).or_insert(next);
        if index == next {
            self.program.constants.push(constant);
        }
        Source::constant(index)
    }

    fn value(&mut self, value: u64) -> Source {
        self.constant(Constant::Value(value))
    }

    fn function(&mut self, index: u32, function: &'m Function) {
        let size = self.size(index, function);
        let first_table = index_of(self.program.tables.len());
        let begin = self.program.code.len();
        let mut starts = Vec::with_capacity(function.body.len() + 1);
        for instruction in &function.body {
            starts.push(index_of(self.program.code.len()));
            let mut scope = Scope {
                index,
                function,
                size: size.clone(),
                first_table,
                instruction,
                computed: 0,
            };
            let action = self.action(&mut scope);
            let index = index_of(self.program.code.len());
            self.program.instructions.push(index);
            self.program.code.push(Step {
                action,
                hint: hint(instruction),
                guard: instruction.guard.map(|guard| guard.register.0),
                negated: instruction.guard.is_some_and(|guard| guard.negated),
                line: instruction.at.line,
            });
        }
        starts.push(index_of(self.program.code.len()));
        self.program.code.push(Step {
            action: Action::Return,
            hint: CheckHint::None,
            guard: None,
            negated: false,
            line: function
                .body
                .last()
                .map_or(function.at.line, |last| last.at.line),
        });
        // Jumps were noted by label.
        let resolve = |label: u32| {
            let label = function.labels.get(label as usize);
            let target = label.and_then(|label| starts.get(label.target as usize));
            target.copied().unwrap_or(u32::MAX)
        };
        for step in self.program.code.iter_mut().skip(begin) {
            if let Action::Jump { target } = &mut step.action {
                *target = resolve(*target);
            }
        }
        for table in &function.tables {
            let targets = table.labels.iter().map(|label| resolve(label.0));
            self.program.tables.push(targets.collect());
        }
    }

    fn size(&mut self, index: u32, function: &Function) -> Rc<Size> {
        let size = self.sizes.entry(index).or_insert_with(|| {
            Rc::new(Size {
                slots: layout::slots(function),
                frame: layout::frame(function).unwrap_or_default(),
            })
        });
        size.clone()
    }

    /// A step before the instruction, which computes one of its operands.
    fn before(&mut self, scope: &Scope<'m>, action: Action) {
        self.program.code.push(Step {
            action,
            hint: CheckHint::None,
            guard: None,
            negated: false,
            line: scope.instruction.at.line,
        });
    }

    /// A step before the instruction that waits for the threads that are to carry it out together:
    /// their mask.
    fn active_mask(&mut self, scope: &mut Scope<'m>) -> Source {
        let target = scope.compute();
        let guard = scope.instruction.guard;
        self.program.code.push(Step {
            action: Action::ActiveMask { target },
            hint: CheckHint::None,
            guard: guard.map(|guard| guard.register.0),
            negated: guard.is_some_and(|guard| guard.negated),
            line: scope.instruction.at.line,
        });
        Source::slot(target)
    }

    fn action(&mut self, scope: &mut Scope<'m>) -> Action {
        let op = scope.instruction.row.op;
        match op {
            Op::Mov => self.moved(scope),
            Op::Selp => Action::Select {
                target: scope.target(0),
                a: self.source(scope, 1),
                b: self.source(scope, 2),
                c: self.condition(scope, 3),
            },
            Op::AddCarry | Op::SubCarry | Op::MadCarry => self.carry(scope),
            Op::Set | Op::Setp | Op::SetHalves | Op::SetpHalves => self.comparison(scope),
            Op::Lop3Predicate => self.logic(scope),
            Op::Policy => Action::Move {
                target: scope.target(0),
                a: self.value(0),
            },
            Op::Cvta => Action::ConvertAddress {
                target: scope.target(0),
                a: self.source(scope, 1),
                conversion: AddressConversion::of(scope.instruction, scope.function),
            },
            Op::Isspacep => {
                let range = is_space_range(scope.instruction);
                Action::IsInRange {
                    target: scope.target(0),
                    a: self.source(scope, 1),
                    from: range.start,
                    to: range.end,
                }
            }
            Op::Ld => self.load(scope),
            Op::St => self.store(scope),
            Op::Atom | Op::Red => self.atomic(scope),
            Op::Bra => match scope.operand(0) {
                Operand::Label(label) => Action::Jump { target: label.0 },
                _ => Action::Trap,
            },
            Op::BrxIdx => {
                let table = match scope.operand(1) {
                    Operand::Labels(table) => *table,
                    _ => u32::MAX,
                };
                Action::JumpTable {
                    index: self.source(scope, 0),
                    table: scope.first_table.saturating_add(table),
                }
            }
            Op::Call => match scope.operand(0).clone() {
                Operand::Call(site) => self.call(scope, &site),
                _ => Action::Trap,
            },
            Op::Ret => Action::Return,
            Op::Exit => Action::Exit,
            Op::Trap => Action::Trap,
            Op::Fence | Op::Hint => Action::Nothing,
            Op::ClusterWait => Action::Barrier {
                id: self.value(CLUSTER_BARRIER),
                count: None,
                waits: true,
                reduce: None,
            },
            Op::Barrier | Op::BarrierArrive | Op::BarrierReduce => self.barrier(scope),
            Op::Shfl | Op::Vote | Op::Match | Op::Mma | Op::Redux | Op::Elect | Op::WarpBarrier => {
                self.collective(scope)
            }
            Op::LoadMatrix => self.load_matrix(scope),
            Op::StoreMatrix => self.store_matrix(scope),
            Op::TransposeMatrix => self.transpose_matrix(scope),
            Op::CopyAsync => self.copy_async(scope),
            Op::CopyBulk => self.copy_bulk(scope),
            Op::WarpgroupMultiply => self.multiply_warpgroup(scope),
            Op::FragmentLoad => self.load_fragment(scope),
            Op::FragmentMultiply => self.multiply_fragments(scope),
            Op::FragmentStore => self.store_fragment(scope),
            Op::MbarrierTest => self.mbarrier_test(scope),
            Op::Activemask => Action::ActiveMask {
                target: scope.target(0),
            },
            _ => self.computed(scope),
        }
    }

    /// An operation on registers alone.
    fn computed(&mut self, scope: &mut Scope<'m>) -> Action {
        let modifiers = scope.instruction.modifiers;
        let mut flags = Flags::of_instruction(scope.instruction);
        if let Operand::Register(register) = scope.operand(0) {
            flags.register_bits = scope.function.register_type(*register).bits();
        }
        let target = scope.target(0);
        match alu::select(scope.instruction.row.op, &modifiers) {
            Some(Eval::One(function)) => Action::Unary {
                function,
                flags,
                target,
                a: self.source(scope, 1),
            },
            Some(Eval::Two(function)) => Action::Binary {
                function,
                flags,
                target,
                a: self.source(scope, 1),
                b: self.source(scope, 2),
            },
            Some(Eval::Three(function)) => Action::Ternary {
                function,
                flags,
                target,
                a: self.source(scope, 1),
                b: self.source(scope, 2),
                c: self.source(scope, 3),
            },
            Some(Eval::Four(function)) => Action::Quaternary {
                function,
                flags,
                target,
                sources: Box::new([
                    self.source(scope, 1),
                    self.source(scope, 2),
                    self.source(scope, 3),
                    self.source(scope, 4),
                ]),
            },
            None => undecodable(scope),
        }
    }

    fn moved(&mut self, scope: &mut Scope<'m>) -> Action {
        let bits = |elements: usize| scope.ty().bits() / index_of(elements).max(1);
        match (scope.operand(0).clone(), scope.operand(1).clone()) {
            (Operand::Vector(targets), _) => Action::Unpack {
                targets: targets
                    .iter()
                    .map(|target| scope.target_of(target))
                    .collect(),
                bits: bits(targets.len()),
                a: self.source(scope, 1),
            },
            (_, Operand::Vector(sources)) => {
                let bits = bits(sources.len());
                let each = match bits {
                    8 => Type::B8,
                    16 => Type::B16,
                    _ => Type::B32,
                };
                Action::Pack {
                    target: scope.target(0),
                    sources: sources
                        .iter()
                        .map(|source| self.source_of(scope, source, each))
                        .collect(),
                    bits,
                }
            }
            _ => Action::Move {
                target: scope.target(0),
                a: self.source(scope, 1),
            },
        }
    }

    fn barrier(&mut self, scope: &mut Scope<'m>) -> Action {
        let Some(barrier) = BarrierInstruction::of(scope.instruction) else {
            return undecodable(scope);
        };
        let reduce = barrier.reduction.map(|(how, predicate)| {
            Box::new(Reduce {
                target: scope.target(0),
                how,
                value: self.condition(scope, predicate),
            })
        });
        Action::Barrier {
            id: self.source(scope, barrier.id),
            count: barrier.count.map(|count| self.source(scope, count)),
            waits: barrier.waits,
            reduce,
        }
    }

    fn collective(&mut self, scope: &mut Scope<'m>) -> Action {
        let Some(decoded) = WarpInstruction::of(scope.instruction) else {
            return undecodable(scope);
        };
        let mask = match decoded.members {
            Members::Mask(mask) => self.source(scope, mask),
            Members::Active => self.active_mask(scope),
            Members::All => self.value(u64::from(ALL_LANES)),
        };
        let inputs = decoded.inputs.iter();
        Action::Collective(Box::new(CollectiveStep {
            op: decoded.op,
            inputs: inputs
                .map(|(index, operand)| self.condition_of(scope, *index, operand))
                .collect(),
            mask,
            results: decoded
                .results
                .iter()
                .map(|result| scope.wanted(*result))
                .collect(),
        }))
    }
}

/// What stands for an instruction that the table lists and this decoder does not know: a test holds
/// every row of the table against it.
fn undecodable(scope: &Scope<'_>) -> Action {
    debug_assert!(false, "`{}` cannot be decoded", scope.instruction.row.name);
    Action::Trap
}
