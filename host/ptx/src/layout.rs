//! Where things lie when an entry runs: which functions it reaches, how large their frames are, and
//! where shared variables begin. Calls may not be circular, so all of it is known beforehand.

use std::collections::HashMap;

use crate::Limits;
use crate::lex::Issue;
use crate::module::Module;
use crate::syntax::{Base, Function, Instruction, Operand, Symbol};
use crate::types::Space;

/// How many visits of functions the layouts of all entries may take together. A module whose every
/// entry reaches every function would otherwise take time by the square of its length.
const MOST_VISITS: usize = 1 << 20;

/// A shared variable of the module, or of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SharedId {
    Module(u32),
    Function { function: u32, variable: u32 },
}

/// Where things lie when one entry runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    /// The functions that the entry reaches, itself first.
    pub functions: Vec<u32>,
    /// Where each shared variable begins. Dynamic ones are absent: they all begin at
    /// `dynamic_shared`.
    pub shared: HashMap<SharedId, u32>,
    /// How many bytes the static variables take.
    pub shared_bytes: u32,
    /// Where dynamic shared memory begins.
    pub dynamic_shared: u32,
    /// Local memory of the entry and of the deepest calls, in bytes.
    pub local_bytes: u32,
    /// Slots for registers of the entry and of the deepest calls.
    pub slots: u32,
}

/// Where the local and parameter variables of one function lie in its frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frame {
    /// By variable; those of other spaces have 0.
    pub offsets: Vec<u32>,
    /// A multiple of 16.
    pub bytes: u32,
}

/// How many slots one function takes for its registers: theirs, one for the carry flag, one for
/// what nobody wants, and one for each operand that must be computed before its instruction.
pub(crate) fn slots(function: &Function) -> u32 {
    let operands = |instruction: &Instruction| {
        let count = |operand: &Operand| match operand {
            Operand::Vector(elements) => elements.len(),
            Operand::Call(site) => site.arguments.len(),
            _ => 1,
        };
        instruction.operands.iter().map(count).sum::<usize>()
    };
    let computed = function.body.iter().map(operands).max().unwrap_or(0);
    u32::try_from(function.registers.len() + 2 + computed).unwrap_or(u32::MAX)
}

/// Lays out one function's frame; `None` where 32 bits cannot say its size.
pub(crate) fn frame(function: &Function) -> Option<Frame> {
    let mut end = 0u32;
    let mut offsets = Vec::with_capacity(function.variables.len());
    for variable in &function.variables {
        if !matches!(variable.space, Space::Local | Space::Param) {
            offsets.push(0);
            continue;
        }
        let offset = end.checked_next_multiple_of(variable.align.max(1))?;
        offsets.push(offset);
        end = offset.checked_add(variable.bytes)?;
    }
    let bytes = end.checked_next_multiple_of(16)?;
    Some(Frame { offsets, bytes })
}

/// The functions that each function calls, without repetition.
fn callees(module: &Module) -> Vec<Vec<u32>> {
    module
        .functions
        .iter()
        .map(|function| {
            let mut callees: Vec<u32> = function
                .body
                .iter()
                .flat_map(|instruction| &instruction.operands)
                .filter_map(|operand| match operand {
                    Operand::Call(site) => Some(site.function),
                    _ => None,
                })
                .collect();
            callees.sort_unstable();
            callees.dedup();
            callees
        })
        .collect()
}

/// Lays out every entry, and notes what is too large or circular.
pub(crate) fn lay_out(module: &mut Module, limits: &Limits) -> Vec<Issue> {
    let callees = callees(module);
    let Some(order) = callees_first(&callees) else {
        let at = module
            .functions
            .first()
            .map(|function| function.at)
            .unwrap_or_default();
        let message = "functions of this module call one another in a circle: recursion is not supported by this device";
        return vec![Issue::new(at, message)];
    };
    let mut issues = Vec::new();
    let mut depths = vec![0u32; module.functions.len()];
    let mut slot_depths = vec![0u32; module.functions.len()];
    for index in order {
        let Some(function) = module.functions.get(index as usize) else {
            continue;
        };
        let deepest = |depths: &[u32]| {
            let called = callees.get(index as usize).into_iter().flatten();
            let depths = called.filter_map(|callee| depths.get(*callee as usize));
            depths.max().copied().unwrap_or(0)
        };
        let slot_depth = slots(function).saturating_add(deepest(&slot_depths));
        if let Some(slot) = slot_depths.get_mut(index as usize) {
            *slot = slot_depth;
        }
        let deepest = deepest(&depths);
        let depth = frame(function)
            .and_then(|frame| frame.bytes.checked_add(deepest))
            .filter(|depth| *depth <= limits.local_bytes);
        match (depth, depths.get_mut(index as usize)) {
            (Some(depth), Some(slot)) => *slot = depth,
            _ => {
                let (name, limit) = (&function.name, limits.local_bytes);
                let message = format!("`{name}` needs more than {limit} bytes of local memory");
                issues.push(Issue::new(function.at, message));
            }
        }
    }
    if !issues.is_empty() {
        return issues;
    }
    let mut visits = 0;
    let mut layouts = Vec::with_capacity(module.entries.len());
    for entry in &module.entries {
        let reached = reach(entry.function, &callees);
        visits += reached.len();
        let at = module
            .functions
            .get(entry.function as usize)
            .map(|function| function.at)
            .unwrap_or_default();
        if visits > MOST_VISITS {
            issues.push(Issue::new(
                at,
                "the entries of this module reach too many functions",
            ));
            return issues;
        }
        let local_bytes = depths.get(entry.function as usize).copied().unwrap_or(0);
        let slots = slot_depths
            .get(entry.function as usize)
            .copied()
            .unwrap_or(0);
        match shared(module, reached, local_bytes, slots) {
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

/// All functions, each behind those that it calls; `None` where calls are circular.
fn callees_first(callees: &[Vec<u32>]) -> Option<Vec<u32>> {
    let mut callers: Vec<Vec<u32>> = vec![Vec::new(); callees.len()];
    let mut waiting: Vec<usize> = Vec::with_capacity(callees.len());
    let mut order = Vec::with_capacity(callees.len());
    for (index, list) in callees.iter().enumerate() {
        let index = u32::try_from(index).ok()?;
        waiting.push(list.len());
        if list.is_empty() {
            order.push(index);
        }
        for callee in list {
            callers.get_mut(*callee as usize)?.push(index);
        }
    }
    let mut next = 0;
    while let Some(index) = order.get(next).copied() {
        next += 1;
        for caller in callers.get(index as usize)? {
            let left = waiting.get_mut(*caller as usize)?;
            *left -= 1;
            if *left == 0 {
                order.push(*caller);
            }
        }
    }
    (order.len() == callees.len()).then_some(order)
}

/// The functions that one reaches, itself first.
fn reach(start: u32, callees: &[Vec<u32>]) -> Vec<u32> {
    let mut seen = std::collections::HashSet::from([start]);
    let mut reached = vec![start];
    let mut next = 0;
    while let Some(index) = reached.get(next).copied() {
        next += 1;
        for callee in callees.get(index as usize).into_iter().flatten() {
            if seen.insert(*callee) {
                reached.push(*callee);
            }
        }
    }
    reached
}

/// Lays out the shared variables that these functions name or declare.
fn shared(module: &Module, functions: Vec<u32>, local_bytes: u32, slots: u32) -> Option<Layout> {
    let mut used: Vec<(SharedId, u32, u32, bool)> = Vec::new();
    let mut named = std::collections::BTreeSet::new();
    for index in &functions {
        let function = module.functions.get(*index as usize)?;
        for (variable, declared) in function.variables.iter().enumerate() {
            if declared.space == Space::Shared {
                let id = SharedId::Function {
                    function: *index,
                    variable: u32::try_from(variable).ok()?,
                };
                used.push((id, declared.bytes, declared.align, declared.dynamic));
            }
        }
        for operand in function
            .body
            .iter()
            .flat_map(|instruction| &instruction.operands)
        {
            if let Operand::AddressOf(Symbol::Shared(id), _)
            | Operand::Memory(Base::Symbol(Symbol::Shared(id)), _) = operand
            {
                named.insert(*id);
            }
        }
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
        local_bytes,
        slots,
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
