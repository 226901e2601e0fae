//! Checks that were passed before: of an index and a length that do not change, where each path leads
//! through a check of the same two.

use std::collections::{BTreeSet, HashMap};

use super::Text;
use super::line::{Line, LineKind};

impl Text {
    /// Leaves out checks that others dominate. Loops are entered at their heads alone, so a check
    /// dominates what follows up to a label to which something before it jumps.
    pub fn leave_out_dominated_checks(&mut self) {
        self.find_definitions();
        let mut labels: HashMap<&str, usize> = HashMap::new();
        for (number, line) in self.lines.iter().enumerate() {
            if let LineKind::Label(label) = &line.kind {
                labels.insert(label, number);
            }
        }
        // Labels further on to which something before jumps.
        let mut awaited: BTreeSet<usize> = BTreeSet::new();
        // The checks that were passed, by what they compare: up to which line they are known.
        let mut passed: HashMap<String, usize> = HashMap::new();
        let mut left_out = vec![false; self.lines.len()];
        for (number, line) in self.lines.iter().enumerate() {
            while awaited.first().is_some_and(|label| *label <= number) {
                awaited.pop_first();
            }
            if let Some(key) = self.compared(number) {
                if passed.get(&key).is_some_and(|end| number < *end) {
                    if let Some(out) = left_out.get_mut(number) {
                        *out = true;
                    }
                } else {
                    let end = awaited.first().copied().unwrap_or(usize::MAX);
                    passed.insert(key, end);
                }
            }
            let target = line.target().and_then(|label| labels.get(label));
            if let Some(target) = target.filter(|target| **target > number) {
                awaited.insert(*target);
            }
        }
        let mut left_out = left_out.into_iter();
        self.lines.retain(|_| !left_out.next().unwrap_or(false));
    }

    /// What a check compares, if that does not change.
    fn compared(&self, line: usize) -> Option<String> {
        let check = self.check(line).filter(|check| !check.is_negated)?;
        let (text, defined) = self.definition(&check.predicate)?;
        let step = self.lines.get(defined)?.step()?;
        let is_fixed = step.uses.iter().all(|register| self.is_fixed(register));
        let (op, operands) = text.split_once(' ')?;
        let (_, compared) = operands.split_once(", ")?;
        (is_fixed && op.starts_with("setp.")).then(|| format!("{op} {compared}"))
    }
}

impl Line {
    /// The label to which it may jump.
    fn target(&self) -> Option<&str> {
        match &self.kind {
            LineKind::Branch(branch) => Some(&branch.target),
            LineKind::Other => self.text.trim().strip_prefix("bra ")?.strip_suffix(';'),
            LineKind::Location | LineKind::Label(_) | LineKind::Step(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::moved;

    const CHECK: &str = "    setp.ge.u32 %p2, %r1, 8;
    @%p2 bra $L90;
";

    #[test]
    fn a_check_that_was_passed_on_each_path_is_left_out() {
        let text = format!(
            "{}$L1:\n    bar.sync 0;\n{CHECK}    @%p9 bra $L1;",
            CHECK.replace("%p2", "%p1")
        );
        assert_eq!(moved(&text).matches("bra $L90").count(), 1);
    }

    #[test]
    fn a_check_that_something_jumps_over_is_no_reason_to_leave_one_out() {
        let text = format!(
            "    @%p9 bra $L1;\n    bar.sync 0;\n{}$L1:\n{CHECK}",
            CHECK.replace("%p2", "%p1")
        );
        assert_eq!(moved(&text).matches("bra $L90").count(), 2);
    }
}
