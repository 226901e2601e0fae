//! Where an instruction's operands come from.

use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{Action, Condition, Constant, Place, Source, Window};
use crate::numeric::alu::Flags;
use crate::numeric::integer::mask;
use crate::syntax::layout::SharedId;
use crate::syntax::table::Kind;
use crate::syntax::tree::{Base, Operand, Symbol};
use crate::syntax::types::{Space, Special, Type};

impl<'m> Decoder<'m> {
    /// Where the value of an operand comes from, read as a type.
    pub(crate) fn source_of(
        &mut self,
        scope: &mut Scope<'m>,
        operand: &Operand,
        ty: Type,
    ) -> Source {
        let keep = mask(ty.bits());
        match operand {
            Operand::Register(register) | Operand::Not(register) => Source::slot(register.0),
            Operand::Integer(value) => self.value(value & keep),
            Operand::Float32(bits) if ty == Type::F64 => {
                self.value(f64::from(f32::from_bits(*bits)).to_bits())
            }
            Operand::Float32(bits) => self.value(u64::from(*bits)),
            Operand::Float64(bits) if ty == Type::F32 => {
                self.value(u64::from((f64::from_bits(*bits) as f32).to_bits()))
            }
            Operand::Float64(bits) => self.value(*bits),
            Operand::Special(special) => self.special(scope, *special, ty),
            Operand::AddressOf(symbol, addend) => self.address_of(scope, *symbol, *addend, ty),
            _ => self.value(0),
        }
    }

    pub(crate) fn special(&mut self, scope: &mut Scope<'m>, special: Special, ty: Type) -> Source {
        match special {
            Special::Ntid(dimension) => self.constant(Constant::Ntid(dimension)),
            Special::Nctaid(dimension) => self.constant(Constant::Nctaid(dimension)),
            Special::Nwarpid => self.constant(Constant::Nwarpid),
            Special::DynamicSharedSize => self.constant(Constant::DynamicSharedSize),
            Special::TotalSharedSize => self.constant(Constant::TotalSharedSize),
            Special::WarpSize => self.value(32),
            Special::Smid | Special::Gridid => self.value(0),
            Special::Nsmid => self.value(1),
            _ => {
                let target = scope.compute();
                self.before(scope, Action::Special { target, special });
                if ty.bits() < special.bits() {
                    let keep = self.value(mask(ty.bits()));
                    let narrow = Action::Two {
                        function: |a, b, _| a & b,
                        flags: Flags::of(&scope.instruction.modifiers),
                        target,
                        a: Source::slot(target),
                        b: keep,
                    };
                    self.before(scope, narrow);
                }
                Source::slot(target)
            }
        }
    }

    pub(crate) fn shared_offset(&self, scope: &Scope<'m>, symbol: Symbol) -> u32 {
        let id = match symbol {
            Symbol::Shared(index) => SharedId::Module(index),
            Symbol::Variable(variable) => SharedId::Function {
                function: scope.index,
                variable,
            },
            _ => return 0,
        };
        let layout = &self.entry.layout;
        layout
            .shared
            .get(&id)
            .copied()
            .unwrap_or(layout.dynamic_shared)
    }

    pub(crate) fn variable_space(&self, scope: &Scope<'m>, variable: u32) -> Space {
        let variable = scope.function.variables.get(variable as usize);
        variable.map_or(Space::Local, |variable| variable.space)
    }

    pub(crate) fn frame_offset(&self, scope: &Scope<'m>, variable: u32) -> u32 {
        scope
            .size
            .frame
            .offsets
            .get(variable as usize)
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn param_offset(&self, param: u32) -> u32 {
        let param = self.entry.params.get(param as usize);
        param.map_or(u32::MAX, |param| param.offset)
    }

    /// A variable's address in its own space.
    pub(crate) fn address_of(
        &mut self,
        scope: &mut Scope<'m>,
        symbol: Symbol,
        addend: i64,
        ty: Type,
    ) -> Source {
        let keep = mask(ty.bits());
        let offset = |offset: u32| u64::from(offset).wrapping_add_signed(addend) & keep;
        match symbol {
            Symbol::Global(variable) => self.constant(Constant::Global { variable, addend }),
            Symbol::Param(param) => {
                let address = offset(self.param_offset(param));
                self.value(address)
            }
            Symbol::Variable(variable) if self.variable_space(scope, variable) != Space::Shared => {
                let target = scope.compute();
                let begin = offset(self.frame_offset(scope, variable));
                let action = Action::FrameAddress {
                    target,
                    offset: u32::try_from(begin & 0xffff_ffff).unwrap_or(0),
                };
                self.before(scope, action);
                Source::slot(target)
            }
            shared => {
                let address = offset(self.shared_offset(scope, shared));
                self.value(address)
            }
        }
    }

    pub(crate) fn source(&mut self, scope: &mut Scope<'m>, index: usize) -> Source {
        let kind = scope.instruction.row.operands.get(index).copied();
        let modifiers = &scope.instruction.modifiers;
        let ty = match kind {
            Some(Kind::Src(ty) | Kind::SrcLoose(ty)) => {
                crate::syntax::check::operand_type(ty, modifiers)
            }
            Some(Kind::SrcPred) => Type::Pred,
            _ => modifiers.ty(),
        };
        let operand = scope.operand(index).clone();
        self.source_of(scope, &operand, ty)
    }

    pub(crate) fn condition(&mut self, scope: &mut Scope<'m>, index: usize) -> Condition {
        Condition {
            source: self.source(scope, index),
            negated: matches!(scope.operand(index), Operand::Not(_)),
        }
    }

    /// The place that a memory operand means.
    pub(crate) fn place(&mut self, scope: &mut Scope<'m>, index: usize) -> Place {
        let Operand::Memory(base, offset) = *scope.operand(index) else {
            return Place {
                base: self.value(0),
                offset: 0,
                window: Window::Generic,
                in_frame: false,
            };
        };
        let space = scope.instruction.modifiers.space();
        let in_entry = scope.function.entry.is_some();
        let window = match space {
            Space::Generic => Window::Generic,
            Space::Global | Space::Const => Window::Global,
            Space::Shared => Window::Shared,
            Space::Param if in_entry => Window::Argument,
            Space::Local | Space::Param => Window::Local,
        };
        let mut found = Place {
            base: self.value(0),
            offset,
            window,
            in_frame: false,
        };
        match base {
            Base::Zero => {}
            Base::Register(register) => found.base = Source::slot(register.0),
            Base::Symbol(Symbol::Global(variable)) => {
                found.base = self.constant(Constant::Global {
                    variable,
                    addend: 0,
                });
                found.window = Window::Global;
            }
            Base::Symbol(Symbol::Param(param)) => {
                found.base = self.value(u64::from(self.param_offset(param)));
                found.window = Window::Argument;
            }
            Base::Symbol(Symbol::Variable(variable))
                if self.variable_space(scope, variable) != Space::Shared =>
            {
                found.base = self.value(u64::from(self.frame_offset(scope, variable)));
                found.window = Window::Local;
                found.in_frame = true;
            }
            Base::Symbol(shared) => {
                found.base = self.value(u64::from(self.shared_offset(scope, shared)));
                found.window = Window::Shared;
            }
        }
        found
    }
}
