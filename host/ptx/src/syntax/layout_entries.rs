//! Computes the memory layout of each entry: which functions it reaches, how large their frames are,
//! and where shared variables begin. Functions may call themselves, but only so deep, so all of it is
//! known before an entry runs.

use crate::Limits;
use crate::syntax::call_graph::{callees, reach, strongly_connected_components};
use crate::syntax::layout::{Layout, SharedId, frame, slots};
use crate::syntax::lex::Issue;
use crate::syntax::module::Module;
use crate::syntax::tree::{Base, Function, Operand, Symbol};
use crate::syntax::types::Space;

/// How many visits of functions and shared variables the layouts of all entries may take together. A module whose every
/// entry reaches every function would otherwise take time by the square of its length.
const MOST_VISITS: usize = 1 << 20;

/// What a function needs with the deepest calls that it makes.
#[derive(Clone, Copy, Debug, Default)]
struct Need {
    bytes: u32,
    slots: u32,
    recursive: bool,
}

/// Lays out every entry, and notes what is too large.
pub(crate) fn lay_out(module: &mut Module, limits: &Limits) -> Vec<Issue> {
    let callees = callees(module);
    let mut issues = Vec::new();
    let mut needs = vec![Need::default(); module.functions.len()];
    for component in strongly_connected_components(&callees) {
        let mut own = Need {
            recursive: component.recursive,
            ..Need::default()
        };
        let mut called = Need::default();
        let mut fits = true;
        for index in &component.functions {
            let Some(function) = module.functions.get(*index as usize) else {
                continue;
            };
            let frame = frame(function);
            fits &= frame.is_some();
            own.bytes = own.bytes.max(frame.map_or(0, |frame| frame.bytes));
            own.slots = own.slots.max(slots(function));
            for callee in callees.get(*index as usize).into_iter().flatten() {
                // What the component's own members need is zero as yet.
                if let Some(need) = needs.get(*callee as usize) {
                    called.bytes = called.bytes.max(need.bytes);
                    called.slots = called.slots.max(need.slots);
                    own.recursive |= need.recursive;
                }
            }
        }
        let times = if component.recursive {
            limits.recursion_depth.max(1)
        } else {
            1
        };
        let bytes = own.bytes.checked_mul(times);
        let bytes = bytes.and_then(|bytes| bytes.checked_add(called.bytes));
        let bytes = bytes.filter(|bytes| fits && *bytes <= limits.local_bytes);
        own.slots = own.slots.saturating_mul(times).saturating_add(called.slots);
        own.bytes = bytes.unwrap_or(u32::MAX);
        if bytes.is_none() {
            let members = component.functions.iter();
            let mut members = members.filter_map(|index| module.functions.get(*index as usize));
            if let Some(function) = members.next() {
                let (name, limit) = (&function.name, limits.local_bytes);
                let deep = if component.recursive {
                    format!(" at {times} calls of itself")
                } else {
                    String::new()
                };
                let message =
                    format!("`{name}` needs more than {limit} bytes of local memory{deep}");
                issues.push(Issue::new(function.at, message));
            }
        }
        for index in component.functions {
            if let Some(need) = needs.get_mut(index as usize) {
                *need = own;
            }
        }
    }
    if !issues.is_empty() {
        return issues;
    }
    let shares = shares(module);
    let mut visits = 0;
    let mut layouts = Vec::with_capacity(module.entries.len());
    for entry in &module.entries {
        let reached = reach(entry.function, &callees);
        let of_shared = |index: &u32| {
            let shares = shares.get(*index as usize);
            shares.map_or(0, |shares| shares.declared.len() + shares.named.len())
        };
        visits += reached.len() + reached.iter().map(of_shared).sum::<usize>();
        let at = module
            .functions
            .get(entry.function as usize)
            .map(|function| function.at)
            .unwrap_or_default();
        if visits > MOST_VISITS {
            issues.push(Issue::new(
                at,
                "the entries of this module reach too many functions and shared variables",
            ));
            return issues;
        }
        let need = needs.get(entry.function as usize).copied();
        match shared(module, &shares, reached, need.unwrap_or_default()) {
            Some(layout) if layout.shared_bytes <= limits.shared_bytes => layouts.push(layout),
            _ => {
                let (name, limit) = (&entry.name, limits.shared_bytes);
                let message =
                    format!("entry `{name}` needs more than {limit} bytes of static shared memory");
                issues.push(Issue::new(at, message));
            }
        }
    }
    if issues.is_empty() {
        for (entry, layout) in module.entries.iter_mut().zip(layouts) {
            entry.shared_bytes = layout.shared_bytes;
            entry.local_bytes = layout.local_bytes;
            entry.layout = layout;
        }
    }
    issues
}

/// The shared variables of one function: those that it declares, and those of the module that it
/// names.
#[derive(Clone, Debug, Default)]
struct Shares {
    declared: Vec<u32>,
    named: Vec<u32>,
}

/// The shared variables of each function, so that no body is looked at again for each entry.
fn shares(module: &Module) -> Vec<Shares> {
    fn note(operand: &Operand, named: &mut Vec<u32>) {
        match operand {
            Operand::AddressOf(Symbol::Shared(id), _)
            | Operand::Memory(Base::Symbol(Symbol::Shared(id)), _) => named.push(*id),
            Operand::Vector(elements) => elements.iter().for_each(|each| note(each, named)),
            Operand::Call(site) => site.arguments.iter().for_each(|each| note(each, named)),
            _ => {}
        }
    }
    let of_function = |function: &Function| {
        let mut found = Shares::default();
        for (variable, declared) in (0..).zip(&function.variables) {
            if declared.space == Space::Shared {
                found.declared.push(variable);
            }
        }
        for instruction in &function.body {
            for operand in &instruction.operands {
                note(operand, &mut found.named);
            }
        }
        found.named.sort_unstable();
        found.named.dedup();
        found
    };
    module.functions.iter().map(of_function).collect()
}

/// Lays out the shared variables that these functions name or declare.
fn shared(module: &Module, shares: &[Shares], functions: Vec<u32>, need: Need) -> Option<Layout> {
    let mut used: Vec<(SharedId, u32, u32, bool)> = Vec::new();
    let mut named = std::collections::BTreeSet::new();
    for index in &functions {
        let function = module.functions.get(*index as usize)?;
        let shares = shares.get(*index as usize)?;
        for variable in &shares.declared {
            let declared = function.variables.get(*variable as usize)?;
            let id = SharedId::Function {
                function: *index,
                variable: *variable,
            };
            used.push((id, declared.bytes, declared.align, declared.dynamic));
        }
        named.extend(&shares.named);
    }
    for id in named {
        let variable = module.shared.get(id as usize)?;
        used.push((
            SharedId::Module(id),
            variable.bytes,
            variable.align,
            variable.dynamic,
        ));
    }
    let mut layout = Layout {
        functions,
        local_bytes: need.bytes,
        slots: need.slots,
        recursive: need.recursive,
        ..Layout::default()
    };
    let mut dynamic_align = 16;
    for (id, bytes, align, dynamic) in used {
        if dynamic {
            dynamic_align = align.max(dynamic_align);
            continue;
        }
        let offset = layout.shared_bytes.checked_next_multiple_of(align.max(1))?;
        layout.shared.insert(id, offset);
        layout.shared_bytes = offset.checked_add(bytes)?;
    }
    layout.dynamic_shared = layout
        .shared_bytes
        .checked_next_multiple_of(dynamic_align)?;
    Some(layout)
}
