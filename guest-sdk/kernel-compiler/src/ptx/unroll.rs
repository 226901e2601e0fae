//! Which loops are unrolled, and which arrays are kept in registers.
//!
//! An array is in registers where each index is known while the kernel is compiled, or becomes
//! known when the loops are unrolled whose variables it is made of. Other arrays are in local
//! memory.

use std::collections::{HashMap, HashSet};

use super::control::weight;
use crate::hir::{
    BinaryOp, Block, Expr, ExprKind, For, Function, LocalId, LoopId, Place, Projection, Statement,
};
use crate::types::Type;

/// The most times that the body of a loop is written.
const MAX_TRIPS: i128 = 64;

/// The most copies of a body in nested loops.
const MAX_COPIES: i128 = 1024;

/// The most nodes of all copies of the body of a loop that is unrolled though no array needs it.
const MAX_NODES: usize = 1024;

/// The most nodes of the body of a loop of which four rounds are written at once.
const MAX_FOURFOLD: usize = 48;

/// The largest array that is kept in registers.
const MAX_REGISTERS: u64 = 256;

/// What was decided for a function.
#[derive(Clone, Debug, Default)]
pub struct Unrolling {
    pub loops: HashSet<LoopId>,
    /// Arrays in local memory.
    pub in_memory: HashSet<LocalId>,
}

/// Decides for a function.
pub fn decide(function: &Function) -> Unrolling {
    let mut found = Unrolling::default();
    // Loops whose variables index arrays.
    let mut loops = Vec::new();
    let mut indices = Vec::new();
    visit(&function.body, &mut |expr| match &expr.kind {
        ExprKind::For(each) => loops.push(each.clone()),
        ExprKind::Read(place) => indices.push(place.clone()),
        ExprKind::Assign(place, _) | ExprKind::AssignOp(_, place, _) => indices.push(place.clone()),
        _ => {}
    });
    let mut used = HashSet::new();
    for place in &indices {
        for projection in &place.projections {
            if let Projection::Index(index) = projection {
                variables(index, &mut used);
            }
        }
    }
    let mut known = HashSet::new();
    for each in &loops {
        let is_mutable = function
            .locals
            .get(each.variable)
            .is_none_or(|local| local.is_mutable);
        if used.contains(&each.variable) && !is_mutable && trips(each).is_some() {
            let copies: i128 = loops
                .iter()
                .filter(|outer| contains(&outer.body, each.id) || outer.id == each.id)
                .filter_map(|outer| trips(outer))
                .product();
            if copies <= MAX_COPIES {
                found.loops.insert(each.id);
                known.insert(each.variable);
            }
        }
    }
    unroll_short_loops(function, &loops, &mut found, &mut known);
    for place in &indices {
        let Some(local) = function.locals.get(place.local) else {
            continue;
        };
        let is_large = size(&function.inference.resolve(&local.ty)) > MAX_REGISTERS;
        let is_known = place.projections.iter().all(|projection| match projection {
            Projection::Field(_) => true,
            Projection::Index(index) => is_constant(index, &known),
        });
        if is_large || !is_known {
            found.in_memory.insert(place.local);
        }
    }
    found
}

/// Unrolls loops that run a few times, if all loops in them are unrolled: their indices are a constant
/// apart then, and are checked at once.
fn unroll_short_loops(
    function: &Function,
    loops: &[Box<For>],
    found: &mut Unrolling,
    known: &mut HashSet<LocalId>,
) {
    // The nodes of all copies, by loop.
    let mut costs: HashMap<LoopId, usize> = HashMap::new();
    // Inner loops come after those around them.
    for each in loops.iter().rev() {
        let Some(count) = trips(each) else {
            continue;
        };
        let mut nodes = weight(&each.body);
        let mut is_flat = true;
        visit(&each.body, &mut |expr| match &expr.kind {
            ExprKind::For(inner) => match costs.get(&inner.id) {
                Some(cost) => nodes = nodes.saturating_add(*cost),
                None => is_flat = false,
            },
            ExprKind::While(..) | ExprKind::Loop(..) | ExprKind::Call(..) => is_flat = false,
            _ => {}
        });
        let local = function.locals.get(each.variable);
        let cost = nodes.saturating_mul(usize::try_from(count).unwrap_or(usize::MAX));
        let is_unrolled = found.loops.contains(&each.id);
        let is_short = is_flat && cost <= MAX_NODES && local.is_some_and(|it| !it.is_mutable);
        if is_unrolled || is_short {
            costs.insert(each.id, cost);
            found.loops.insert(each.id);
            known.insert(each.variable);
        }
    }
}

/// Whether four rounds of a loop are written at once, where it runs that often: its body is short, and
/// nothing leaves it.
pub fn is_fourfold(each: &For) -> bool {
    let mut is_plain = each.step.is_none() && !each.is_inclusive && !each.is_reversed;
    visit(&each.body, &mut |expr| {
        is_plain &= !matches!(
            expr.kind,
            ExprKind::For(_)
                | ExprKind::While(..)
                | ExprKind::Loop(..)
                | ExprKind::Call(..)
                | ExprKind::Break(..)
                | ExprKind::Continue(_)
                | ExprKind::Return(_)
                | ExprKind::If(..)
                | ExprKind::Match(..)
        );
    });
    is_plain && weight(&each.body) <= MAX_FOURFOLD
}

fn size(ty: &Type) -> u64 {
    match ty {
        Type::Array(element, len) => len.saturating_mul(size(element)),
        Type::Tuple(parts) => parts.iter().map(size).sum(),
        _ => 1,
    }
}

/// How often a loop with known ends runs, where it may be unrolled.
pub fn trips(each: &For) -> Option<i128> {
    let (start, end) = (constant(&each.start)?, constant(&each.end)?);
    let step = match &each.step {
        None => 1,
        Some(step) => constant(step).filter(|step| *step > 0)?,
    };
    let len = end - start + i128::from(each.is_inclusive);
    let count = (len.max(0) + step - 1) / step;
    (count <= MAX_TRIPS).then_some(count)
}

/// The value of an integer that does not depend on variables.
pub fn constant(expr: &Expr) -> Option<i128> {
    match &expr.kind {
        ExprKind::Integer(value) => Some(*value),
        ExprKind::Cast(inner) => constant(inner),
        ExprKind::Negate(inner) => constant(inner)?.checked_neg(),
        ExprKind::Binary(op, left, right) => {
            let (left, right) = (constant(left)?, constant(right)?);
            match op {
                BinaryOp::Add => left.checked_add(right),
                BinaryOp::Sub => left.checked_sub(right),
                BinaryOp::Mul => left.checked_mul(right),
                BinaryOp::Div => left.checked_div(right),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_constant(expr: &Expr, known: &HashSet<LocalId>) -> bool {
    match &expr.kind {
        ExprKind::Integer(_) => true,
        ExprKind::Read(place) => place.projections.is_empty() && known.contains(&place.local),
        ExprKind::Cast(inner) | ExprKind::Negate(inner) | ExprKind::Not(inner) => {
            is_constant(inner, known)
        }
        ExprKind::Binary(_, left, right) => is_constant(left, known) && is_constant(right, known),
        _ => false,
    }
}

fn variables(expr: &Expr, found: &mut HashSet<LocalId>) {
    visit(expr, &mut |expr| {
        if let ExprKind::Read(place) = &expr.kind
            && place.projections.is_empty()
        {
            found.insert(place.local);
        }
    });
}

fn contains(body: &Expr, id: LoopId) -> bool {
    let mut found = false;
    visit(body, &mut |expr| {
        found |= matches!(&expr.kind, ExprKind::For(each) if each.id == id);
    });
    found
}

/// Calls `f` with an expression and all in it, but not with the bodies of called functions.
pub fn visit(expr: &Expr, f: &mut impl FnMut(&Expr)) {
    f(expr);
    let place = |place: &Place, f: &mut dyn FnMut(&Expr)| {
        for projection in &place.projections {
            if let Projection::Index(index) = projection {
                f(index);
            }
        }
    };
    let mut inner: Vec<&Expr> = Vec::new();
    match &expr.kind {
        ExprKind::Unit
        | ExprKind::Integer(_)
        | ExprKind::Float(_)
        | ExprKind::FloatBits(_)
        | ExprKind::Bool(_)
        | ExprKind::Shared(_)
        | ExprKind::Panic(_)
        | ExprKind::Continue(_) => {}
        ExprKind::Read(read) => place(read, &mut |index| visit(index, f)),
        ExprKind::Assign(target, value) | ExprKind::AssignOp(_, target, value) => {
            place(target, &mut |index| visit(index, f));
            inner.push(value);
        }
        ExprKind::Not(value)
        | ExprKind::Negate(value)
        | ExprKind::Cast(value)
        | ExprKind::Field(value, _)
        | ExprKind::Repeat(value, _)
        | ExprKind::Loop(_, value) => inner.push(value),
        ExprKind::Binary(_, a, b)
        | ExprKind::Compare(_, a, b)
        | ExprKind::Logical(_, a, b)
        | ExprKind::While(_, a, b) => inner.extend([&**a, &**b]),
        ExprKind::Block(block) => inner.extend(block_exprs(block)),
        ExprKind::If(condition, then, other) => {
            inner.extend([&**condition, &**then]);
            inner.extend(other.as_deref());
        }
        ExprKind::Match(value, arms) => {
            inner.push(value);
            for arm in arms {
                inner.extend(arm.guard.as_ref());
                inner.push(&arm.body);
            }
        }
        ExprKind::For(each) => {
            inner.extend([&each.start, &each.end]);
            inner.extend(each.step.as_ref());
            inner.push(&each.body);
        }
        ExprKind::Break(_, value) | ExprKind::Return(value) => inner.extend(value.as_deref()),
        ExprKind::Aggregate(parts) | ExprKind::Intrinsic(_, parts) | ExprKind::Call(_, parts) => {
            inner.extend(parts);
        }
    }
    for expr in inner {
        visit(expr, f);
    }
}

fn block_exprs(block: &Block) -> impl Iterator<Item = &Expr> {
    let statements = block
        .statements
        .iter()
        .filter_map(|statement| match statement {
            Statement::Let(_, value) => value.as_ref(),
            Statement::LetParts(_, value) | Statement::Expr(value) => Some(value),
        });
    statements.chain(block.tail.as_deref())
}
