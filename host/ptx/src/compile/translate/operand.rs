//! Operands: where their values come from, and where results go.

use crate::compile::abi;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{AccessAddress, Arg, Op, Reg, SiteKind, Space, SpecialValue, Ty};
use crate::compile::translate::{Builder, FunctionScope, home, index};
use crate::numeric::mask;
use crate::simt::special_registers;
use crate::simt::variables::{AddressBase, Location, MemoryOperand, Variables};
use crate::syntax::check::source_type;
use crate::syntax::table::OperandKind;
use crate::syntax::tree::{Base, Function, Operand, Symbol};
use crate::syntax::types::{Special, Type, TypeClass};

/// The type of WebAssembly that each register of a function has. Registers that are declared as
/// bits are what most instructions take them for.
pub(crate) fn homes(function: &Function) -> Vec<Ty> {
    let mut votes = vec![0i32; function.registers.len()];
    for instruction in &function.body {
        let kinds = instruction.row.operands.iter();
        for (kind, operand) in kinds.zip(&instruction.operands) {
            let modifiers = &instruction.modifiers;
            let ty = match kind {
                OperandKind::Dst(ty)
                | OperandKind::Src(ty)
                | OperandKind::DstLoose(ty)
                | OperandKind::SrcLoose(ty)
                | OperandKind::DstPart(ty)
                | OperandKind::SrcPart(ty)
                | OperandKind::DstMasked(ty)
                | OperandKind::DstWarpgroup(ty)
                | OperandKind::SrcSelected(ty)
                | OperandKind::DstVector(ty, _)
                | OperandKind::SrcVector(ty, _) => {
                    crate::syntax::check::operand_type(*ty, modifiers)
                }
                OperandKind::SrcMatrix => Type::B64,
                _ => modifiers.ty(),
            };
            let vote = match ty.class() {
                _ if matches!(kind, OperandKind::Address | OperandKind::AddressIn(_)) => -4,
                TypeClass::Float => 2,
                TypeClass::Bits => 0,
                _ => -2,
            };
            let mut count = |operand: &Operand| match operand {
                Operand::Register(register) | Operand::Memory(Base::Register(register), _) => {
                    if let Some(votes) = votes.get_mut(register.0 as usize) {
                        *votes += vote;
                    }
                }
                _ => {}
            };
            match operand {
                Operand::Vector(elements) => elements.iter().for_each(count),
                single => count(single),
            }
        }
    }
    let registers = function.registers.iter().zip(votes);
    registers
        .map(
            |(register, votes)| match (register.ty.class(), register.ty.bits()) {
                (TypeClass::Bits, 32) if votes > 0 => Ty::F32,
                (TypeClass::Bits, 64) if votes > 0 => Ty::F64,
                _ => home(register.ty),
            },
        )
        .collect()
}

impl<'m> Builder<'m> {
    /// A value as another type of the same size, or with more or fewer bits.
    pub(crate) fn as_ty(&mut self, value: Arg, ty: Ty) -> Arg {
        if let Some(bits) = value.bits() {
            return Arg::constant(ty, bits);
        }
        match (self.body.arg_ty(value), ty) {
            (Ty::F32, Ty::F32) | (Ty::F64, Ty::F64) | (Ty::I32, Ty::I32) | (Ty::I64, Ty::I64) => {
                value
            }
            (Ty::F32, Ty::I32) => self.one(Opcode::I32ReinterpretF32, value),
            (Ty::I32, Ty::F32) => self.one(Opcode::F32ReinterpretI32, value),
            (Ty::F64, Ty::I64) => self.one(Opcode::I64ReinterpretF64, value),
            (Ty::I64, Ty::F64) => self.one(Opcode::F64ReinterpretI64, value),
            (Ty::I64, Ty::I32) => self.one(Opcode::I32WrapI64, value),
            (Ty::I32, Ty::I64) => self.one(Opcode::I64ExtendI32U, value),
            (Ty::F32, _) => {
                let value = self.one(Opcode::I32ReinterpretF32, value);
                self.as_ty(value, ty)
            }
            (Ty::F64, _) => {
                let value = self.one(Opcode::I64ReinterpretF64, value);
                self.as_ty(value, ty)
            }
            (Ty::I64, Ty::F32) => {
                let value = self.one(Opcode::I32WrapI64, value);
                self.as_ty(value, ty)
            }
            (Ty::I32, Ty::F64) => {
                let value = self.one(Opcode::I64ExtendI32U, value);
                self.as_ty(value, ty)
            }
        }
    }

    /// A value's bits in 64.
    pub(crate) fn in_64(&mut self, value: Arg) -> Arg {
        self.as_ty(value, Ty::I64)
    }

    /// An operand's value, read as a type.
    pub(crate) fn read(&mut self, scope: &FunctionScope<'m>, operand: &Operand, ty: Type) -> Arg {
        let keep = mask(ty.bits());
        match operand {
            // The instruction takes the part by itself.
            Operand::Part(of) => self.read(scope, &Operand::Register(of.register), ty),
            Operand::Register(register) | Operand::Not(register) => {
                let declared = scope.function.register_type(*register);
                let value = self.as_ty(Arg::Reg(scope.register(*register)), home(ty));
                // A wider register may have more bits than are read.
                if declared.bits() > ty.bits() && ty.bits() < 32 {
                    return self.two(Opcode::I32And, value, Arg::I32(keep as u32));
                }
                value
            }
            Operand::Integer(value) => Arg::constant(home(ty), value & keep),
            Operand::Float32(bits) if ty == Type::F64 => {
                Arg::F64(f64::from(f32::from_bits(*bits)).to_bits())
            }
            Operand::Float32(bits) => Arg::constant(home(ty), u64::from(*bits)),
            Operand::Float64(bits) if ty == Type::F32 => {
                Arg::F32((f64::from_bits(*bits) as f32).to_bits())
            }
            Operand::Float64(bits) => Arg::constant(home(ty), *bits),
            Operand::Special(special) => self.special(*special, ty),
            Operand::AddressOf(symbol, addend) => self.address_of(scope, *symbol, *addend, ty),
            _ => {
                self.inconsistent("an operand that has no value");
                Arg::constant(home(ty), 0)
            }
        }
    }

    /// The source operand at an index, read as the table says.
    pub(crate) fn source(&mut self, scope: &FunctionScope<'m>, operand: usize) -> Arg {
        let ty = source_type(scope.instruction, operand);
        self.read(scope, scope.operand(operand), ty)
    }

    /// A predicate operand, perhaps negated.
    pub(crate) fn condition(&mut self, scope: &FunctionScope<'m>, operand: usize) -> Arg {
        let ty = source_type(scope.instruction, operand);
        self.condition_of(scope, scope.operand(operand), ty)
    }

    /// An operand read as a type, which may be a negated predicate.
    pub(crate) fn condition_of(
        &mut self,
        scope: &FunctionScope<'m>,
        operand: &Operand,
        ty: Type,
    ) -> Arg {
        let value = self.read(scope, operand, ty);
        if matches!(operand, Operand::Not(_)) {
            return self.two(Opcode::I32Xor, value, Arg::I32(1));
        }
        value
    }

    /// Writes a value of a register's own type, unless the guard forbids it.
    pub(crate) fn write_home(&mut self, register: Reg, value: Arg) {
        let op = match self.guard {
            Some(guard) => Op::Select(register, guard, value, Arg::Reg(register)),
            None => Op::Copy(register, value),
        };
        self.push(op);
    }

    /// Writes a result to an operand that is a register, or nothing.
    pub(crate) fn write_to(&mut self, scope: &FunctionScope<'m>, operand: &Operand, value: Arg) {
        let register = match operand {
            Operand::Register(register) | Operand::Pair(Some(register), _) => *register,
            Operand::Part(of) => of.register,
            _ => return,
        };
        let register = scope.register(register);
        let value = self.as_ty(value, self.body.ty(register));
        self.write_home(register, value);
    }

    /// Writes the instruction's result.
    pub(crate) fn write(&mut self, scope: &FunctionScope<'m>, value: Arg) {
        self.write_to(scope, scope.operand(0), value);
    }

    fn special_value(&mut self, known: SpecialValue, ty: Ty) -> Arg {
        let target = self.temp(ty);
        self.push(Op::Special(target, known));
        Arg::Reg(target)
    }

    fn launch_word(&mut self, address: u32) -> Arg {
        self.special_value(SpecialValue::Launch(address, Ty::I32), Ty::I32)
    }

    fn special(&mut self, special: Special, ty: Type) -> Arg {
        let thread =
            |builder: &mut Builder<'m>| builder.special_value(SpecialValue::Thread, Ty::I32);
        let lane = |builder: &mut Builder<'m>| {
            let thread = thread(builder);
            builder.two(Opcode::I32And, thread, Arg::I32(31))
        };
        let value = match special {
            Special::Ntid(d) => self.launch_word(abi::NTID + 4 * u32::from(d)),
            Special::Nctaid(d) => self.launch_word(abi::NCTAID + 4 * u32::from(d)),
            Special::Ctaid(d) => self.launch_word(abi::CTAID + 4 * u32::from(d)),
            Special::Nwarpid => self.launch_word(abi::NWARPID),
            Special::DynamicSharedSize => self.launch_word(abi::DYNAMIC_SHARED),
            Special::TotalSharedSize => self.launch_word(abi::TOTAL_SHARED),
            Special::Tid(d) => self.special_value(SpecialValue::Tid(d), Ty::I32),
            Special::Laneid => lane(self),
            Special::Warpid => {
                let thread = thread(self);
                self.two(Opcode::I32ShrU, thread, Arg::I32(5))
            }
            Special::LanemaskEq => {
                let lane = lane(self);
                self.two(Opcode::I32Shl, Arg::I32(1), lane)
            }
            Special::LanemaskLt => {
                let lane = lane(self);
                let bit = self.two(Opcode::I32Shl, Arg::I32(1), lane);
                self.two(Opcode::I32Sub, bit, Arg::I32(1))
            }
            Special::LanemaskLe => {
                let lane = lane(self);
                let bit = self.two(Opcode::I32Shl, Arg::I32(2), lane);
                self.two(Opcode::I32Sub, bit, Arg::I32(1))
            }
            Special::LanemaskGe => {
                let lane = lane(self);
                self.two(Opcode::I32Shl, Arg::I32(u32::MAX), lane)
            }
            Special::LanemaskGt => {
                let lane = lane(self);
                self.two(Opcode::I32Shl, Arg::I32(u32::MAX - 1), lane)
            }
            Special::Clock | Special::GlobalTimerLo => {
                let clock = self.special_value(SpecialValue::Clock, Ty::I64);
                self.as_ty(clock, Ty::I32)
            }
            Special::ClockHi | Special::GlobalTimerHi => {
                let clock = self.special_value(SpecialValue::Clock, Ty::I64);
                let high = self.two(Opcode::I64ShrU, clock, Arg::I64(32));
                self.as_ty(high, Ty::I32)
            }
            Special::Clock64 | Special::GlobalTimer => {
                self.special_value(SpecialValue::Clock, Ty::I64)
            }
            Special::WarpSize | Special::Smid | Special::Nsmid | Special::Gridid => {
                let value = special_registers::of_device(special);
                Arg::I32(self.require(value, 0, "a register that the device does not have"))
            }
        };
        let value = self.as_ty(value, home(ty));
        if ty.bits() < 32 {
            return self.two(Opcode::I32And, value, Arg::I32(mask(ty.bits()) as u32));
        }
        value
    }

    /// What the names of a function mean.
    pub(crate) fn variables<'s>(&self, scope: &'s FunctionScope<'m>) -> Variables<'s> {
        Variables {
            entry: self.entry,
            function: scope.function,
            index: scope.index,
            frame: &scope.frame,
        }
    }

    fn global_address(&mut self, variable: u32) -> Arg {
        let address = self.layout.symbols + 8 * variable;
        self.special_value(SpecialValue::Launch(address, Ty::I64), Ty::I64)
    }

    /// A variable's address in its own space.
    fn address_of(
        &mut self,
        scope: &FunctionScope<'m>,
        symbol: Symbol,
        addend: i64,
        ty: Type,
    ) -> Arg {
        let keep = mask(ty.bits());
        let sum = |offset: u32| u64::from(offset).wrapping_add_signed(addend) & keep;
        match self.variables(scope).location(symbol) {
            Location::Global(variable) => {
                let address = self.global_address(variable);
                let address = if addend == 0 {
                    address
                } else {
                    self.two(Opcode::I64Add, address, Arg::I64(addend.cast_unsigned()))
                };
                self.as_ty(address, home(ty))
            }
            Location::Shared(offset) | Location::Argument(offset) => {
                Arg::constant(home(ty), sum(offset))
            }
            Location::Function(address) => Arg::constant(home(ty), address & keep),
            Location::Frame(offset) => {
                // As the interpreter has it: the sum wraps in the type, and the frame comes on top.
                let address = (sum(offset) & 0xffff_ffff) + u64::from(scope.frame_base);
                Arg::constant(home(ty), address)
            }
        }
    }

    /// The place that a memory operand means.
    pub(crate) fn place(
        &mut self,
        scope: &FunctionScope<'m>,
        operand: usize,
        (bytes, lanes, write): (u32, u32, bool),
    ) -> AccessAddress {
        let meant = self
            .variables(scope)
            .memory_operand(scope.instruction, operand);
        let nowhere = MemoryOperand {
            space: Space::Generic,
            base: AddressBase::Offset(0),
            offset: 0,
        };
        let MemoryOperand {
            space,
            base,
            offset,
        } = self.require(meant, nowhere, "an access without an address");
        let base = match base {
            AddressBase::Offset(offset) => Arg::I32(offset),
            AddressBase::Frame(offset) => Arg::I32(scope.frame_base + offset),
            AddressBase::Global(variable) => self.global_address(variable),
            AddressBase::Register(register) => {
                let bits = scope.function.register_type(register).bits();
                let value = Arg::Reg(scope.register(register));
                self.as_ty(value, if bits == 64 { Ty::I64 } else { Ty::I32 })
            }
        };
        // Shared and local addresses wrap in 32 bits; all others have 64.
        let base = match space {
            Space::Shared | Space::Local => self.as_ty(base, Ty::I32),
            _ => self.as_ty(base, Ty::I64),
        };
        let site = self.site(SiteKind::Access {
            space,
            bytes,
            lanes,
            write,
        });
        AccessAddress {
            space,
            base,
            offset,
            site,
        }
    }

    /// The block that a label begins.
    pub(crate) fn label(
        &self,
        scope: &FunctionScope<'m>,
        label: u32,
    ) -> Option<crate::compile::ir::BlockId> {
        let label = scope.function.labels.get(label as usize)?;
        scope.labels.get(&label.target).copied()
    }

    /// Where the arguments lie, in scratch memory.
    pub(crate) fn argument_address(&self, offset: u64) -> u32 {
        abi::ARGUMENTS + index(usize::try_from(offset).unwrap_or(usize::MAX))
    }
}
