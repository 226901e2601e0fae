//! Calls of device functions.

use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{Action, CallStep, Passed, ProvidedStep, Source};
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::tree::{CallSite, Formal, Operand, Symbol};
use crate::syntax::types::{Space, Type};

impl<'m> Decoder<'m> {
    pub(crate) fn call(&mut self, scope: &mut Scope<'m>, site: &CallSite) -> Action {
        let Some(callee) = self.module.functions.get(site.function as usize) else {
            return Action::Trap;
        };
        let size = self.size(site.function, callee);
        let callee_frame = &size.frame;
        let inside = |formal: &Formal| match formal {
            Formal::Register(register) => Passed::Value(Source::slot(register.0)),
            Formal::Variable(index) => Passed::Variable {
                offset: callee_frame
                    .offsets
                    .get(*index as usize)
                    .copied()
                    .unwrap_or(0),
                bytes: callee
                    .variables
                    .get(*index as usize)
                    .map_or(0, |variable| variable.bytes),
            },
        };
        let formal_type = |formal: &Formal| match formal {
            Formal::Register(register) => callee.register_type(*register),
            Formal::Variable(_) => Type::B64,
        };
        let mut arguments = Vec::with_capacity(site.arguments.len());
        for (formal, actual) in callee.params.iter().zip(&site.arguments) {
            let outside = self.passed(scope, actual, formal_type(formal), false);
            arguments.push((outside, inside(formal)));
        }
        let mut results = Vec::with_capacity(site.results.len());
        for (formal, actual) in callee.results.iter().zip(&site.results) {
            let outside = self.passed(scope, actual, formal_type(formal), true);
            results.push((inside(formal), outside));
        }
        if let Some(what) = BuiltinFunction::of(callee) {
            return Action::BuiltinFunction(Box::new(ProvidedStep {
                what,
                arguments: arguments.iter().map(|(outside, _)| *outside).collect(),
                result: results.first().map(|(_, outside)| *outside),
            }));
        }
        Action::Call(Box::new(CallStep {
            target: site.function,
            slots: scope.size.slots,
            frame: scope.size.frame.bytes,
            needed_slots: size.slots,
            needed_frame: callee_frame.bytes,
            arguments,
            results,
        }))
    }

    pub(crate) fn passed(
        &mut self,
        scope: &mut Scope<'m>,
        actual: &Operand,
        ty: Type,
        written: bool,
    ) -> Passed {
        match actual {
            Operand::AddressOf(Symbol::Variable(index), 0)
                if self.variable_space(scope, *index) == Space::Param =>
            {
                let variable = scope.function.variables.get(*index as usize);
                Passed::Variable {
                    offset: self.frame_offset(scope, *index),
                    bytes: variable.map_or(0, |variable| variable.bytes),
                }
            }
            other if written => Passed::Value(Source::slot(scope.target_of(other))),
            other => Passed::Value(self.source_of(scope, other, ty)),
        }
    }
}
