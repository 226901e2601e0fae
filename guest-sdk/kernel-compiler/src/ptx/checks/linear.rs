//! Definitions of registers, and what a register is as a sum of multiples of others (a linear form, as
//! compilers have them of indices).

use std::collections::BTreeMap;

use super::Text;

/// The most registers that a sum is followed through.
const MAX_TERMS: usize = 32;

impl Text {
    /// Notes where each register is defined that is defined once, and how often predicates are used.
    pub fn find_definitions(&mut self) {
        self.defined_in.clear();
        self.used.clear();
        for (number, line) in self.lines.iter().enumerate() {
            let step = line.step();
            if let Some(register) = step.and_then(|step| step.defines.as_ref())
                && self.definitions.get(register) == Some(&1)
            {
                self.defined_in.insert(register.clone(), number);
            }
            for register in line.used() {
                *self.used.entry(register).or_insert(0) += 1;
            }
        }
    }

    /// What a register is made of but for a constant, as a sum of multiples of other registers, and the
    /// constant.
    pub fn base(&self, register: &str) -> (String, i64) {
        let mut terms: BTreeMap<String, i64> = BTreeMap::new();
        let mut offset = 0i64;
        let mut left = vec![(register.to_owned(), 1i64)];
        let mut steps = 0;
        while let Some((register, factor)) = left.pop() {
            steps += 1;
            let sum = self.definition(&register).filter(|_| steps <= MAX_TERMS);
            let Some(parts) = sum.and_then(|(text, _)| self.summands(text)) else {
                let count = terms.entry(register).or_insert(0);
                *count = count.wrapping_add(factor);
                continue;
            };
            for (operand, by) in parts {
                let factor = factor.wrapping_mul(by);
                match operand.parse::<i64>() {
                    Ok(value) => offset = offset.wrapping_add(value.wrapping_mul(factor)),
                    Err(_) => left.push((operand, factor)),
                }
            }
        }
        terms.retain(|_, count| *count != 0);
        let terms = terms
            .iter()
            .map(|(register, count)| format!("{count}*{register}"));
        (terms.collect::<Vec<_>>().join(" + "), offset)
    }

    /// The operands of a sum or of a product with a constant, with their factors.
    fn summands(&self, text: &str) -> Option<Vec<(String, i64)>> {
        let (op, operands) = text.split_once(' ')?;
        let operands: Vec<&str> = operands.split(", ").collect();
        let [_, a, b] = *operands.as_slice() else {
            return None;
        };
        let is_known = |operand: &str| !operand.starts_with('%') || self.is_fixed(operand);
        if !is_known(a) || !is_known(b) {
            return None;
        }
        let (a, b) = (a.to_owned(), b.to_owned());
        let number = b.parse::<i64>();
        match op.split_once('.')? {
            ("add", _) => Some(vec![(a, 1), (b, 1)]),
            ("sub", _) => Some(vec![(a, 1), (b, -1)]),
            ("mul", "lo.u32" | "lo.s32" | "lo.u64" | "lo.s64") => Some(vec![(a, number.ok()?)]),
            ("shl", _) => {
                let amount = number.ok().filter(|amount| (0..32).contains(amount))?;
                Some(vec![(a, 1 << amount)])
            }
            _ => None,
        }
    }

    /// The instruction that defines a register which is defined once, and its line.
    pub fn definition(&self, register: &str) -> Option<(&str, usize)> {
        let line = *self.defined_in.get(register)?;
        let text = self.lines.get(line)?.text.trim();
        Some((text.strip_suffix(';')?, line))
    }
}
