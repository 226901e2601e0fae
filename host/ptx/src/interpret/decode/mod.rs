//! Makes a [`Program`] of an entry: every name, type and modifier is looked at here, so that running
//! looks at none.

mod call;
mod compare;
mod flow;
mod memory;
mod operand;

use std::collections::HashMap;
use std::rc::Rc;

use crate::address::{GLOBAL_BASE, LOCAL_BASE, PARAM_BASE, SHARED_BASE, WINDOW_BYTES};
use crate::interpret::program::{
    Action, Constant, Flow, Program, Reduce, Slot, Source, Step, WarpOp, WarpStep,
};
use crate::numeric::alu::{self, Eval, Flags};
use crate::syntax::layout::{self, Frame};
use crate::syntax::modifier::Modifier;
use crate::syntax::module::{Entry, Module};
use crate::syntax::table::Op;
use crate::syntax::tree::{Function, Instruction, Operand};
use crate::syntax::types::{Space, Type};
use flow::flow;

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
            let start = place(decoder.program.code.len());
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

fn place(index: usize) -> u32 {
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

impl Scope<'_> {
    fn carry_flag(&self) -> Slot {
        place(self.function.registers.len())
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

    fn operand(&self, index: usize) -> &Operand {
        self.instruction
            .operands
            .get(index)
            .unwrap_or(&Operand::Sink)
    }

    fn target_of(&self, operand: &Operand) -> Slot {
        match operand {
            Operand::Register(register) | Operand::Pair(Some(register), _) => register.0,
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
        let next = place(self.program.constants.len());
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
        let first_table = place(self.program.tables.len());
        let begin = self.program.code.len();
        let mut places = Vec::with_capacity(function.body.len() + 1);
        for instruction in &function.body {
            places.push(place(self.program.code.len()));
            let mut scope = Scope {
                index,
                function,
                size: size.clone(),
                first_table,
                instruction,
                computed: 0,
            };
            let action = self.action(&mut scope);
            self.program.code.push(Step {
                action,
                flow: flow(instruction),
                guard: instruction.guard.map(|guard| guard.register.0),
                negated: instruction.guard.is_some_and(|guard| guard.negated),
                line: instruction.at.line,
            });
        }
        places.push(place(self.program.code.len()));
        self.program.code.push(Step {
            action: Action::Return,
            flow: Flow::Other,
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
            let target = label.and_then(|label| places.get(label.target as usize));
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
            flow: Flow::Other,
            guard: None,
            negated: false,
            line: scope.instruction.at.line,
        });
    }

    fn action(&mut self, scope: &mut Scope<'m>) -> Action {
        let modifiers = scope.instruction.modifiers;
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
            Op::Cvta => self.converted_address(scope),
            Op::Isspacep => {
                let (from, to) = match modifiers.space() {
                    Space::Shared => (SHARED_BASE, SHARED_BASE + WINDOW_BYTES),
                    Space::Local => (LOCAL_BASE, LOCAL_BASE + WINDOW_BYTES),
                    Space::Param => (PARAM_BASE, PARAM_BASE + WINDOW_BYTES),
                    Space::Const => self.constant_range(),
                    _ => (GLOBAL_BASE, u64::MAX),
                };
                Action::IsIn {
                    target: scope.target(0),
                    a: self.source(scope, 1),
                    from,
                    to,
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
            Op::Barrier | Op::BarrierArrive => Action::Barrier {
                id: self.source(scope, 0),
                count: (scope.instruction.operands.len() > 1).then(|| self.source(scope, 1)),
                wait: op == Op::Barrier,
                reduce: None,
            },
            Op::BarrierReduce => {
                let last = scope.instruction.operands.len() - 1;
                let how = [Modifier::Popc, Modifier::And, Modifier::Or];
                let reduce = Reduce {
                    target: scope.target(0),
                    how: *how
                        .iter()
                        .find(|word| modifiers.has(**word))
                        .unwrap_or(&Modifier::Popc),
                    value: self.condition(scope, last),
                };
                Action::Barrier {
                    id: self.source(scope, 1),
                    count: (last > 2).then(|| self.source(scope, 2)),
                    wait: true,
                    reduce: Some(Box::new(reduce)),
                }
            }
            Op::Shfl | Op::Vote | Op::Match | Op::Redux | Op::Elect | Op::WarpBarrier => {
                self.together(scope)
            }
            Op::Activemask => Action::ActiveMask {
                target: scope.target(0),
            },
            _ => self.computed(scope),
        }
    }

    /// An operation on registers alone.
    fn computed(&mut self, scope: &mut Scope<'m>) -> Action {
        let modifiers = scope.instruction.modifiers;
        let mut flags = Flags::of(&modifiers);
        if let Operand::Register(register) = scope.operand(0) {
            flags.register_bits = scope.function.register_type(*register).bits();
        }
        let target = scope.target(0);
        match alu::select(scope.instruction.row.op, &modifiers) {
            Some(Eval::One(function)) => Action::One {
                function,
                flags,
                target,
                a: self.source(scope, 1),
            },
            Some(Eval::Two(function)) => Action::Two {
                function,
                flags,
                target,
                a: self.source(scope, 1),
                b: self.source(scope, 2),
            },
            Some(Eval::Three(function)) => Action::Three {
                function,
                flags,
                target,
                a: self.source(scope, 1),
                b: self.source(scope, 2),
                c: self.source(scope, 3),
            },
            Some(Eval::Four(function)) => Action::Four {
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
            // A test holds every row of the table against `select`.
            None => Action::Trap,
        }
    }

    fn moved(&mut self, scope: &mut Scope<'m>) -> Action {
        let bits = |elements: usize| scope.ty().bits() / place(elements).max(1);
        match (scope.operand(0).clone(), scope.operand(1).clone()) {
            (Operand::Vector(targets), _) => Action::Spread {
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
                Action::Gather {
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

    fn together(&mut self, scope: &mut Scope<'m>) -> Action {
        use Modifier::{Add, All, And, Any, Ballot, Bfly, Down, Idx, Max, Min, Or, Uni, Up, Xor};
        let modifiers = scope.instruction.modifiers;
        let word = |words: &[Modifier]| words.iter().copied().find(|word| modifiers.has(*word));
        let op = scope.instruction.row.op;
        let what = match op {
            Op::Shfl => WarpOp::Shuffle(word(&[Up, Down, Bfly, Idx]).unwrap_or(Idx)),
            Op::Vote => WarpOp::Vote(word(&[All, Any, Uni, Ballot]).unwrap_or(All)),
            Op::Match if modifiers.has(Any) => WarpOp::MatchAny,
            Op::Match => WarpOp::MatchAll,
            Op::Elect => WarpOp::Elect,
            Op::Redux => WarpOp::Combine(
                word(&[Add, Min, Max, And, Or, Xor]).unwrap_or(Add),
                scope.ty(),
            ),
            _ => WarpOp::Nothing,
        };
        let zero = self.value(0);
        let last = scope.instruction.operands.len() - 1;
        let shuffle = op == Op::Shfl;
        Action::Warp(Box::new(WarpStep {
            what,
            target: if last == 0 {
                scope.unwanted()
            } else {
                scope.target(0)
            },
            second: scope.second_target(0),
            a: if last == 0 {
                zero
            } else {
                self.source(scope, 1)
            },
            negated: matches!(scope.operand(1), Operand::Not(_)),
            b: if shuffle { self.source(scope, 2) } else { zero },
            c: if shuffle { self.source(scope, 3) } else { zero },
            mask: self.source(scope, last),
        }))
    }
}
