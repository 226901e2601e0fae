//! Calls of device functions.

use crate::interpret::decode::{Decoder, Scope, index_of};
use crate::interpret::program::{Action, BuiltinCall, CallStep, Passed, Source};
use crate::simt::variables::Variables;
use crate::syntax::builtin_functions::BuiltinFunction;
use crate::syntax::layout::function_address;
use crate::syntax::tree::{CallSite, Callee, Formal, Operand, PointerCall};
use crate::syntax::types::Type;

impl<'m> Decoder<'m> {
    pub(crate) fn call(&mut self, scope: &mut Scope<'m>, site: &CallSite) -> Action {
        match &site.callee {
            Callee::Function(function) => self.call_function(scope, site, *function),
            Callee::Pointer(call) => self.call_pointer(scope, site, call),
        }
    }

    /// A step for each function that may be called, before which one goes to the right one. They stand
    /// before the instruction's own step, which does nothing.
    fn call_pointer(
        &mut self,
        scope: &mut Scope<'m>,
        site: &CallSite,
        call: &PointerCall,
    ) -> Action {
        // Steps that go on behind all of them.
        let mut leaving = Vec::new();
        if let Some(guard) = scope.instruction.guard {
            leaving.push(self.program.code.len());
            self.before(scope, Action::Goto { step: u32::MAX });
            if let Some(step) = self.program.code.last_mut() {
                step.guard = Some(guard.register.0);
                step.negated = !guard.negated;
            }
        }
        let dispatch = self.program.code.len();
        self.before(scope, Action::Trap);
        let mut steps = Vec::with_capacity(call.functions.len());
        for function in &call.functions {
            let Some(callee) = self.module.functions.get(*function as usize) else {
                continue;
            };
            steps.push((
                function_address(callee.number),
                index_of(self.program.code.len()),
            ));
            scope.computed = 0;
            let action = self.call_function(scope, site, *function);
            self.before(scope, action);
            leaving.push(self.program.code.len());
            self.before(scope, Action::Goto { step: u32::MAX });
        }
        if let Some(step) = self.program.code.get_mut(dispatch) {
            step.action = Action::CallPointer {
                address: Source::slot(call.register.0),
                steps: steps.into(),
            };
        }
        let behind = index_of(self.program.code.len());
        for index in leaving {
            if let Some(step) = self.program.code.get_mut(index) {
                step.action = Action::Goto { step: behind };
            }
        }
        Action::Nothing
    }

    fn call_function(&mut self, scope: &mut Scope<'m>, site: &CallSite, function: u32) -> Action {
        let Some(callee) = self.module.functions.get(function as usize) else {
            return Action::Trap;
        };
        let size = self.size(function, callee);
        let entry = self.entry;
        let variables = Variables {
            entry,
            function: callee,
            index: function,
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
        if let Some(builtin) = BuiltinFunction::of(callee) {
            return Action::Builtin(Box::new(BuiltinCall {
                function: builtin,
                arguments: arguments.iter().map(|(outside, _)| *outside).collect(),
                result: results.first().map(|(_, outside)| *outside),
            }));
        }
        Action::Call(Box::new(CallStep {
            target: function,
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
