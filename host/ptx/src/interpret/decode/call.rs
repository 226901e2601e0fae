//! Calls of device functions.

use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{Action, BuiltinCall, CallStep, Passed, Source};
use crate::simt::variables::Variables;
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::tree::{CallSite, Formal, Operand};
use crate::syntax::types::Type;

impl<'m> Decoder<'m> {
    pub(crate) fn call(&mut self, scope: &mut Scope<'m>, site: &CallSite) -> Action {
        let Some(callee) = self.module.functions.get(site.function as usize) else {
            return Action::Trap;
        };
        let size = self.size(site.function, callee);
        let entry = self.entry;
        let variables = Variables {
            entry,
            function: callee,
            index: site.function,
            frame: &size.frame,
        };
        let inside = |formal: &Formal| match formal {
            Formal::Register(register) => Passed::Value(Source::slot(register.0)),
            Formal::Variable(index) => {
                let (offset, bytes) = variables.in_frame(*index);
                Passed::Variable { offset, bytes }
            }
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
        if let Some(function) = BuiltinFunction::of(callee) {
            return Action::Builtin(Box::new(BuiltinCall {
                function,
                arguments: arguments.iter().map(|(outside, _)| *outside).collect(),
                result: results.first().map(|(_, outside)| *outside),
            }));
        }
        Action::Call(Box::new(CallStep {
            target: site.function,
            slots: scope.size.slots,
            frame: scope.size.frame.bytes,
            needed_slots: size.slots,
            needed_frame: size.frame.bytes,
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
        let variables = self.variables(scope);
        if let Some(variable) = variables.passed(actual) {
            let (offset, bytes) = variables.in_frame(variable);
            return Passed::Variable { offset, bytes };
        }
        match actual {
            other if written => Passed::Value(Source::slot(scope.target_of(other))),
            other => Passed::Value(self.source_of(scope, other, ty)),
        }
    }
}
