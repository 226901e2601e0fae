//! Motion of checks: up to the one before, past what only computes, loads and stores; out of an `if`
//! without an `else`, whose condition they take along; and out of a loop in each round of which they are
//! the same.

use super::line::{Line, LineKind};
use super::{Names, Text, positive};

/// The most steps that a check takes along.
const MAX_SLICE: usize = 24;

/// The most steps of the body of an `if` that checks are moved out of.
const MAX_BODY: usize = 40;

/// Up to where a check moves.
enum Anchor {
    /// Behind another check.
    Check(usize),
    /// Before a branch around the rest of the way.
    Branch(usize),
    /// Before the head of a loop.
    Loop(usize),
}

impl Text {
    pub fn move_checks(&mut self, names: &mut Names) {
        let mut at = 0;
        while at < self.lines.len() {
            let before = self.lines.len();
            let mut check = at;
            while self.check(check).is_some()
                && let Some(moved) = self.hoist(check, names)
            {
                check = moved;
            }
            at += 1 + self.lines.len() - before;
        }
    }

    /// Moves the check in a line up, and returns the line that it is in then; `None` where it stays.
    fn hoist(&mut self, at: usize, names: &mut Names) -> Option<usize> {
        let anchor = self.anchor(at)?;
        let (above, first) = match anchor {
            // Before all checks that stand together.
            Anchor::Check(last) => (last, self.first_of(last)),
            Anchor::Branch(line) | Anchor::Loop(line) => (line, line),
        };
        if above + 1 == at && matches!(anchor, Anchor::Check(_)) {
            return None;
        }
        let slice = self.slice(above, at)?;
        let mut added = Vec::new();
        if let Anchor::Loop(head) = anchor
            && !self.is_invariant(&slice, at, head)
        {
            return None;
        }
        let condition = match anchor {
            Anchor::Branch(branch) => Some(self.taken_where(branch, at, names, &mut added)?),
            _ => None,
        };
        let mut check = self.lines.remove(at);
        if let (Some(condition), LineKind::Branch(branch)) = (condition, &check.kind) {
            check = Line::read(format!("    @{condition} bra {};", branch.target));
        }
        let mut moved: Vec<Line> = Vec::new();
        for line in slice.into_iter().rev() {
            moved.push(self.lines.remove(line));
        }
        moved.reverse();
        moved.extend(added);
        let count = moved.len();
        self.lines.splice(first..first, moved);
        let place = match anchor {
            Anchor::Check(last) => last + 1 + count,
            Anchor::Branch(line) | Anchor::Loop(line) => line + count,
        };
        self.lines.insert(place, check);
        Some(place)
    }

    /// Whether the check in a line, with the steps that make its predicate, has the same result in each
    /// round of the loop that begins in another line.
    fn is_invariant(&self, slice: &[usize], at: usize, head: usize) -> bool {
        let Some(end) = self.end_of_loop(head) else {
            return false;
        };
        let steps = slice
            .iter()
            .filter_map(|line| self.lines.get(*line)?.step());
        let own: Vec<&String> = steps
            .clone()
            .filter_map(|step| step.defines.as_ref())
            .collect();
        let predicate = self.check(at).map(|check| &check.predicate);
        let mut used = steps.flat_map(|step| &step.uses).chain(predicate);
        let inside = self.lines.get(head..=end).unwrap_or_default();
        used.all(|register| {
            let defines = |line: &Line| line.defined().contains(register);
            own.contains(&register) || !inside.iter().any(defines)
        })
    }

    /// The last line of the loop whose head is a label: the last one that branches back to it. `None`
    /// where something else comes to the label than what precedes it.
    fn end_of_loop(&self, head: usize) -> Option<usize> {
        let LineKind::Label(label) = &self.lines.get(head)?.kind else {
            return None;
        };
        let lines = self.lines.iter().enumerate();
        let mut jumps = lines
            .filter(|(_, line)| line.jumps_to(label))
            .map(|(line, _)| line);
        let (first, last) = (jumps.clone().next()?, jumps.next_back()?);
        (first > head).then_some(last)
    }

    /// Up to where a check may move: past steps, to another check, or before the branch around the
    /// body of an `if` that has nothing but steps and checks.
    fn anchor(&self, at: usize) -> Option<Anchor> {
        for line in (0..at).rev() {
            match &self.lines.get(line)?.kind {
                LineKind::Location | LineKind::Step(_) => {}
                LineKind::Branch(_) if self.check(line).is_some() => {
                    return Some(Anchor::Check(line));
                }
                LineKind::Branch(branch) => {
                    let is_body = self.is_straight(line + 1, &branch.target);
                    return is_body.then_some(Anchor::Branch(line));
                }
                LineKind::Label(_) => {
                    let end = self.end_of_loop(line);
                    return end
                        .is_some_and(|end| end >= at)
                        .then_some(Anchor::Loop(line));
                }
                LineKind::Other => return None,
            }
        }
        None
    }

    /// The first of the checks that stand together, up to this one.
    fn first_of(&self, last: usize) -> usize {
        let mut first = last;
        while let Some(before) = first.checked_sub(1)
            && self.check(before).is_some()
        {
            first = before;
        }
        first
    }

    /// Whether only a few steps and checks lie between a line and a label.
    fn is_straight(&self, from: usize, label: &str) -> bool {
        let mut steps = 0;
        for (line, Line { kind, .. }) in self.lines.iter().enumerate().skip(from) {
            match kind {
                LineKind::Location => {}
                LineKind::Step(_) => steps += 1,
                LineKind::Branch(_) if self.check(line).is_some() => {}
                LineKind::Label(here) => return here == label,
                LineKind::Branch(_) | LineKind::Other => return false,
            }
            if steps > MAX_BODY {
                return false;
            }
        }
        false
    }

    /// The steps between two lines that make the predicate of the check in the second one, in order;
    /// `None` where one of them has to stay.
    fn slice(&self, above: usize, at: usize) -> Option<Vec<usize>> {
        let mut needed = vec![self.check(at)?.predicate.clone()];
        let mut slice = Vec::new();
        for line in (above + 1..at).rev() {
            let Some(step) = self.lines.get(line)?.step() else {
                continue;
            };
            if step.defines_all.iter().any(|it| needed.contains(it)) {
                return None;
            }
            let Some(register) = step.defines.as_ref().filter(|it| needed.contains(it)) else {
                continue;
            };
            let is_fixed = self.is_fixed(register);
            if !step.is_pure || !is_fixed || slice.len() == MAX_SLICE {
                return None;
            }
            needed.extend(step.uses.iter().cloned());
            slice.push(line);
        }
        slice.reverse();
        Some(slice)
    }

    /// The predicate under which a check fails that was behind a branch, where it is before; adds the
    /// steps that make it.
    fn taken_where(
        &mut self,
        branch: usize,
        check: usize,
        names: &mut Names,
        added: &mut Vec<Line>,
    ) -> Option<String> {
        let LineKind::Branch(around) = self.lines.get(branch)?.kind.clone() else {
            return None;
        };
        let check = self.check(check)?.clone();
        let mut text = Vec::new();
        // The body is run where the branch is not taken.
        let runs = positive(&around.predicate, !around.is_negated, names, &mut text);
        let fails = positive(&check.predicate, check.is_negated, names, &mut text);
        let both = names.predicate();
        text.push(format!("    and.pred {both}, {fails}, {runs};"));
        for line in text.into_iter().map(Line::read) {
            self.note(&line);
            added.push(line);
        }
        Some(both)
    }
}

#[cfg(test)]
mod tests {
    use super::super::moved;

    #[test]
    fn a_check_moves_up_to_the_one_before_it_and_both_are_one_branch() {
        let found = moved(
            "    setp.ge.u32 %p1, %r1, %r9;
    @%p1 bra $L90;
    ld.global.f32 %f1, [%rd1];
    add.u32 %r2, %r3, 1;
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;
    ld.global.f32 %f2, [%rd2];",
        );
        assert_eq!(
            found,
            "    setp.ge.u32 %p1, %r1, %r9;
    add.u32 %r2, %r3, 1;
    setp.ge.u32 %p2, %r2, %r9;
    or.pred %p51, %p1, %p2;
    @%p51 bra $L51;
    ld.global.f32 %f1, [%rd1];
    ld.global.f32 %f2, [%rd2];
$L51:
    @%p1 bra $L90;
    bra $L91;"
        );
    }

    #[test]
    fn a_check_takes_the_condition_along_where_it_moves_out_of_an_if() {
        let found = moved(
            "    @!%p1 bra $L1;
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;
    st.global.f32 [%rd2], %f2;
$L1:",
        );
        assert_eq!(
            found,
            "    setp.ge.u32 %p2, %r2, %r9;
    and.pred %p51, %p2, %p1;
    @%p51 bra $L91;
    @!%p1 bra $L1;
    st.global.f32 [%rd2], %f2;
$L1:"
        );
    }

    #[test]
    fn a_check_of_what_was_loaded_or_changes_stays() {
        for text in [
            "    @%p1 bra $L90;
    ld.global.u32 %r2, [%rd1];
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;",
            "    add.u32 %r2, %r2, 1;
    @%p1 bra $L90;
    add.u32 %r2, %r2, 1;
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;",
            "    @%p1 bra $L90;
    bar.sync 0;
    @%p2 bra $L91;",
        ] {
            assert_eq!(moved(text), text);
        }
    }

    #[test]
    fn a_check_moves_out_of_a_loop_that_does_not_change_it() {
        let found = moved(
            "$L1:
    add.u32 %r2, %r1, 1;
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;
    add.u32 %r5, %r5, 1;
    @%p1 bra $L1;",
        );
        assert_eq!(
            found,
            "    add.u32 %r2, %r1, 1;
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;
$L1:
    add.u32 %r5, %r5, 1;
    @%p1 bra $L1;"
        );
    }

    #[test]
    fn checks_stay_in_an_if_whose_body_has_branches_and_in_loops() {
        for text in [
            "    @!%p1 bra $L1;
    @%p2 bra $L91;
    @%p3 bra $L2;
$L2:
$L1:",
            "$L1:
    setp.ge.u32 %p2, %r5, %r9;
    @%p2 bra $L91;
    add.u32 %r5, %r5, 1;
    @%p1 bra $L1;
    @%p3 bra $L92;",
        ] {
            assert_eq!(moved(text), text);
        }
    }
}
