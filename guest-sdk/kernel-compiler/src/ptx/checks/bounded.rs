//! Checks that never fail: of an index that is less than a constant length whatever its operands are, as
//! `i % 32` is less than 32; and of a divisor that is never zero, as `x | 1`.

use super::Text;
use super::line::{Line, LineKind};

/// The most registers that are followed for one bound.
const MAX_DEPTH: u32 = 12;

/// What special registers are at most.
const SPECIAL: [(&str, u64); 8] = [
    ("%tid.x", 1023),
    ("%tid.y", 1023),
    ("%tid.z", 63),
    ("%ntid.x", 1024),
    ("%ntid.y", 1024),
    ("%ntid.z", 64),
    ("%laneid", 31),
    ("WARP_SZ", 32),
];

impl Text {
    /// Leaves out checks that never fail. `prologue` has the definitions of special registers.
    pub fn leave_out_checks(&mut self, prologue: &[String]) {
        self.prologue = prologue.iter().cloned().map(Line::read).collect();
        for line in &self.prologue.clone() {
            self.note(line);
        }
        self.find_definitions();
        let never_fails = |line: &Line| {
            let LineKind::Branch(check) = &line.kind else {
                return false;
            };
            self.panics.contains(&check.target)
                && !check.is_negated
                && self.is_never(&check.predicate)
        };
        let kept: Vec<bool> = self.lines.iter().map(|line| !never_fails(line)).collect();
        let mut kept = kept.into_iter();
        self.lines.retain(|_| kept.next().unwrap_or(true));
    }

    /// Whether a predicate is never true.
    fn is_never(&self, predicate: &str) -> bool {
        let Some(text) = self.instruction_of(predicate) else {
            return false;
        };
        let Some((comparison, operands)) = text.split_once(' ') else {
            return false;
        };
        let operands: Vec<&str> = operands.split(", ").collect();
        if let [_, divisor, "0"] = *operands.as_slice()
            && comparison.starts_with("setp.eq.")
        {
            return self.least(divisor, 0) > 0;
        }
        let (index, limit) = match (comparison, operands.as_slice()) {
            ("setp.ge.u32" | "setp.ge.u64", [_, index, limit]) => (index, limit),
            _ => return false,
        };
        let limit = limit.parse::<u64>();
        limit.is_ok_and(|limit| self.most(index, 0).is_some_and(|most| most < limit))
    }

    /// The instruction that defines a register which is defined once, in the text or before it.
    fn instruction_of(&self, register: &str) -> Option<&str> {
        if let Some((text, _)) = self.definition(register) {
            return Some(text);
        }
        let defines = |line: &&Line| line.defined().iter().any(|defined| defined == register);
        let line = self.prologue.iter().find(defines)?;
        line.text.trim().strip_suffix(';')
    }

    /// What an operand is at least, as a number without a sign.
    fn least(&self, operand: &str, depth: u32) -> u64 {
        if let Ok(value) = operand.parse::<u64>() {
            return value;
        }
        if operand.starts_with("%ntid.") || operand.starts_with("%nctaid.") {
            return 1;
        }
        let text = self.instruction_of(operand).filter(|_| depth <= MAX_DEPTH);
        let Some((op, operands)) = text.and_then(|text| text.split_once(' ')) else {
            return 0;
        };
        let operands: Vec<&str> = operands.split(", ").collect();
        let of = |number: usize| {
            let operand = operands.get(number);
            operand.map_or(0, |operand| self.least(operand, depth + 1))
        };
        match op.split('.').next() {
            Some("or" | "max") if op != "max.s32" && op != "max.s64" => of(1).max(of(2)),
            Some("mov") => of(1),
            Some("cvt")
                if matches!(op, "cvt.u64.u32" | "cvt.u32.u64")
                    && self.most(operand, 0).is_some() =>
            {
                of(1)
            }
            // Where it does not wrap around.
            Some("add") if self.most(operand, 0).is_some() => of(1).saturating_add(of(2)),
            _ => 0,
        }
    }

    /// What an operand is at most, as a number without a sign.
    fn most(&self, operand: &str, depth: u32) -> Option<u64> {
        if let Ok(value) = operand.parse::<u64>() {
            return Some(value);
        }
        let special = SPECIAL.iter().find(|(name, _)| *name == operand);
        if let Some((_, most)) = special {
            return Some(*most);
        }
        if depth > MAX_DEPTH {
            return None;
        }
        let (op, operands) = self.instruction_of(operand)?.split_once(' ')?;
        let operands: Vec<&str> = operands.split(", ").collect();
        let of = |number: usize| self.most(operands.get(number)?, depth + 1);
        let constant = |number: usize| operands.get(number)?.parse::<u64>().ok();
        // Sums and products that wrap around are any number.
        let whole = |value: u64| (value <= u64::from(u32::MAX >> 1)).then_some(value);
        let (name, ty) = op.split_once('.')?;
        match name {
            "mov" => of(1),
            "cvt" if matches!(ty, "u64.u32" | "s64.s32" | "s64.u32" | "u32.u64") => whole(of(1)?),
            "and" => match (of(1), of(2)) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            "min" if ty.starts_with('u') => match (of(1), of(2)) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            "max" if ty.starts_with('u') => Some(of(1)?.max(of(2)?)),
            "rem" if ty.starts_with('u') => constant(2)?.checked_sub(1),
            "div" if ty.starts_with('u') => of(1)?.checked_div(constant(2)?),
            "shr" => whole(of(1)?)?.checked_shr(u32::try_from(constant(2)?).ok()?),
            "shl" => {
                let amount = constant(2).filter(|amount| *amount < 31)?;
                whole(whole(of(1)?)? << amount)
            }
            "add" => whole(of(1)?.checked_add(of(2)?)?),
            "mul" if ty.starts_with("lo") => whole(of(1)?.checked_mul(of(2)?)?),
            "selp" => Some(of(1)?.max(of(2)?)),
            "ld" if ty.ends_with(".u8") => Some(0xff),
            "ld" if ty.ends_with(".u16") => Some(0xffff),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::moved;

    #[test]
    fn an_index_below_a_constant_needs_no_check() {
        let found = moved(
            "    and.b32 %r2, %r1, 31;
    setp.ge.u32 %p1, %r2, 32;
    @%p1 bra $L90;
    ld.global.u8 %r3, [%rd1];
    cvt.u64.u32 %rd2, %r3;
    setp.ge.u64 %p2, %rd2, 256;
    @%p2 bra $L91;
    st.shared.u32 [%r4], %r5;",
        );
        assert!(!found.contains("bra"), "{found}");
    }

    #[test]
    fn a_divisor_that_is_never_zero_needs_no_check() {
        let found = moved(
            "    or.b32 %r2, %r1, 1;
    setp.eq.s32 %p1, %r2, 0;
    @%p1 bra $L90;
    and.b64 %rd2, %rd1, 65535;
    add.u64 %rd3, %rd2, 1;
    setp.eq.u64 %p2, %rd3, 0;
    @%p2 bra $L91;
    add.u64 %rd4, %rd1, 1;
    setp.eq.u64 %p3, %rd4, 0;
    @%p3 bra $L92;",
        );
        assert_eq!(found.matches("bra").count(), 1, "{found}");
    }

    #[test]
    fn an_index_that_may_be_as_large_as_the_length_has_a_check() {
        for text in [
            "    and.b32 %r2, %r1, 32;
    setp.ge.u32 %p1, %r2, 32;
    @%p1 bra $L90;",
            "    and.b32 %r2, %r1, 15;
    sub.u32 %r3, %r2, 1;
    setp.ge.u32 %p1, %r3, 32;
    @%p1 bra $L90;",
        ] {
            assert_eq!(moved(text), text);
        }
    }
}
