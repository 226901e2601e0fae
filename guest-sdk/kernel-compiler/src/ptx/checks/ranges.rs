//! Checks of indices that are a constant apart, as `x[i]`, `x[i + 1]`, `y[i + 2]`, are one: whether the
//! least is within the least of the lengths, each less the distance to its greatest index.
//!
//! The greatest may be less than the least where numbers wrap around. A length is at most 2⁶³, and one
//! that an index with a sign is compared with at most 2³¹: the least is not within it then. Where the
//! length fits in 32 bits, an index of 2³² - 1 is outside; so it is one check only for indices that
//! follow one another, of which that is one.

use std::collections::{HashMap, HashSet};

use super::line::{Line, LineKind};
use super::{Names, Text};

/// The greatest distance of indices that are checked at once.
const MAX_DISTANCE: i64 = 1 << 16;

/// The check of an index: the base that it is a constant away from, and what it is compared with.
#[derive(Clone, Debug, PartialEq)]
struct Index {
    base: String,
    offset: i64,
    register: String,
    comparison: String,
    limit: String,
    /// The predicate that must be true besides.
    and: Option<String>,
}

impl Index {
    /// Whether both are of one kind.
    fn is_like(&self, other: &Index) -> bool {
        let is_constant = |limit: &str| !limit.starts_with('%');
        self.base == other.base
            && self.comparison == other.comparison
            && (self.limit == other.limit
                || !is_constant(&self.limit) && !is_constant(&other.limit))
    }
}

/// What changes in the text.
#[derive(Default)]
struct Edits {
    /// What comes before a line, and before what else does.
    first: HashMap<usize, Vec<String>>,
    before: HashMap<usize, Vec<String>>,
    after: HashMap<usize, Vec<String>>,
    removed: HashSet<usize>,
    /// Limits that were computed, by the lengths and how much less they are.
    limits: HashMap<Vec<String>, (String, Option<String>)>,
}

impl Text {
    /// Makes one check of several, and returns the code that finds out which of them failed.
    pub fn join_ranges(&mut self, names: &mut Names) -> Vec<String> {
        let (mut behind, mut edits) = (Vec::new(), Edits::default());
        self.find_definitions();
        let mut at = 0;
        while at < self.lines.len() {
            let count = (at..)
                .take_while(|line| self.check(*line).is_some())
                .count();
            for run in self.runs(at, count) {
                behind.extend(self.join(at, &run, names, &mut edits));
            }
            at += count.max(1);
        }
        let lines = std::mem::take(&mut self.lines);
        for (number, line) in lines.into_iter().enumerate() {
            let removed = edits.removed.contains(&number).then_some(Vec::new());
            let texts = [
                edits.first.remove(&number).unwrap_or_default(),
                edits.before.remove(&number).unwrap_or_default(),
                removed.unwrap_or_else(|| vec![line.text]),
                edits.after.remove(&number).unwrap_or_default(),
            ];
            for text in texts.into_iter().flatten() {
                self.lines.push(Line::read(text));
            }
        }
        behind
    }

    /// The checks among those that stand together that can be one: their lines, from the least index.
    fn runs(&self, first: usize, count: usize) -> Vec<Vec<(usize, Index)>> {
        let mut kinds: Vec<Vec<(usize, Index)>> = Vec::new();
        for line in first..first + count {
            let Some(index) = self.index(line) else {
                continue;
            };
            let kind = kinds
                .iter_mut()
                .find(|kind| kind.iter().any(|(_, other)| other.is_like(&index)));
            match kind {
                Some(kind) => kind.push((line, index)),
                None => kinds.push(vec![(line, index)]),
            }
        }
        let mut runs = Vec::new();
        for mut kind in kinds {
            kind.sort_by_key(|(line, index)| (index.offset, *line));
            let mut run: Vec<(usize, Index)> = Vec::new();
            for (line, index) in kind {
                let least = run.first().map_or(index.offset, |(_, first)| first.offset);
                let is_near = index.offset.wrapping_sub(least) <= MAX_DISTANCE;
                let follows = run.last().is_none_or(|(_, last)| {
                    is_near && (index.and.is_none() || index.offset - last.offset <= 1)
                });
                if !follows {
                    runs.push(std::mem::take(&mut run));
                }
                run.push((line, index));
            }
            runs.push(run);
        }
        runs.retain(|run| run.len() > 1);
        runs
    }

    /// The index that a line checks.
    fn index(&self, line: usize) -> Option<Index> {
        let check = self.check(line)?;
        if check.is_negated || !self.is_fixed(&check.predicate) {
            return None;
        }
        let (text, _) = self.definition(&check.predicate)?;
        let (comparison, operands) = text.split_once(' ')?;
        let operands: Vec<&str> = operands.split(", ").collect();
        let (register, limit, and) = match (comparison, operands.as_slice()) {
            ("setp.ge.u32" | "setp.ge.u64", [_, index, limit]) => (*index, *limit, None),
            ("setp.ge.and.u32", [_, index, limit, and]) => (*index, *limit, Some(*and)),
            _ => return None,
        };
        if !register.starts_with('%') || !self.is_fixed(register) {
            return None;
        }
        let (base, offset) = self.base(register);
        // Numbers of 32 bits are the same where these bits are.
        let offset = match comparison.ends_with("64") {
            true => offset,
            false => i64::from(offset as i32),
        };
        Some(Index {
            base,
            offset,
            register: register.to_owned(),
            comparison: comparison.to_owned(),
            limit: limit.to_owned(),
            and: and.map(str::to_owned),
        })
    }

    /// Replaces checks, of those that stand together from a line on, by one, and returns the code that
    /// finds out which of them failed.
    fn join(
        &mut self,
        first: usize,
        run: &[(usize, Index)],
        names: &mut Names,
        edits: &mut Edits,
    ) -> Vec<String> {
        let Some((_, least)) = run.first() else {
            return Vec::new();
        };
        // The greatest index of each length, as they are in order.
        let mut lengths: Vec<(&Index, i64)> = Vec::new();
        for (_, index) in run {
            let distance = index.offset - least.offset;
            match lengths
                .iter_mut()
                .find(|(known, _)| known.limit == index.limit)
            {
                Some((_, known)) => *known = distance,
                None => lengths.push((index, distance)),
            }
        }
        let Some((limit, and)) = self.limit(&lengths, first, names, edits) else {
            return Vec::new();
        };
        let label = names.label();
        let mut behind = vec![format!("{label}:")];
        let mut lines: Vec<usize> = run.iter().map(|(line, _)| *line).collect();
        lines.sort_unstable();
        for (number, line) in lines.iter().enumerate() {
            let Some(check) = self.check(*line) else {
                continue;
            };
            edits.removed.insert(*line);
            // The predicate is computed where it is needed, which the last one's is not.
            let is_last = number + 1 == lines.len();
            if self.used.get(&check.predicate) == Some(&1)
                && let Some((text, line)) = self.definition(&check.predicate)
            {
                edits.removed.insert(line);
                behind.extend((!is_last).then(|| format!("    {text};")));
            }
            behind.push(if !is_last {
                format!("    @{} bra {};", check.predicate, check.target)
            } else {
                format!("    bra {};", check.target)
            });
        }
        for (_, index) in run.iter().skip(1) {
            self.count_from(first, least, index, names, edits);
        }
        let predicate = names.predicate();
        let and = and.map_or(String::new(), |and| format!(", {and}"));
        let Index {
            comparison,
            register,
            ..
        } = least;
        let comparison = format!("    {comparison} {predicate}, {register}, {limit}{and};");
        edits.first.entry(first).or_default().push(comparison);
        if let Some(place) = lines.first() {
            let branch = format!("    @{predicate} bra {label};");
            edits.before.entry(*place).or_default().push(branch);
        }
        self.definitions.insert(predicate, 1);
        self.panics.push(label);
        behind
    }

    /// Makes the addresses of elements count from that of the least index, in the straight code behind
    /// the check: no index in between wraps around there.
    fn count_from(
        &self,
        first: usize,
        least: &Index,
        index: &Index,
        names: &mut Names,
        edits: &mut Edits,
    ) {
        let distance = index.offset - least.offset;
        if distance == 0 || index.register == least.register {
            return;
        }
        let behind = self.lines.iter().enumerate().skip(first);
        let behind = behind.take_while(|(_, line)| !matches!(line.kind, LineKind::Label(_)));
        let lines: Vec<(usize, &str)> = behind
            .map(|(line, text)| (line, text.text.as_str()))
            .collect();
        for (_, text) in &lines {
            let Some((scale, [offset, register, amount])) = instruction(text) else {
                continue;
            };
            let Some(size) = factor(scale, amount).filter(|_| register == index.register) else {
                continue;
            };
            for (line, text) in &lines {
                let Some((op @ ("add.s32" | "add.s64"), [address, base, added])) =
                    instruction(text)
                else {
                    continue;
                };
                let is_known = [address, base, offset].iter().all(|it| self.is_fixed(it));
                if added != offset || !is_known || !edits.removed.insert(*line) {
                    continue;
                }
                let is_long = op == "add.s64";
                let (scaled, start) = (names.integer(is_long), names.integer(is_long));
                edits.after.entry(*line).or_default().extend([
                    format!("    {scale} {scaled}, {}, {amount};", least.register),
                    format!("    {op} {start}, {base}, {scaled};"),
                    format!(
                        "    {op} {address}, {start}, {};",
                        distance.wrapping_mul(size)
                    ),
                ]);
            }
        }
    }

    /// The least of lengths that indices are compared with, each less a distance, and zero at least;
    /// and the predicate that must be true besides. They are computed where the lengths are.
    fn limit(
        &self,
        lengths: &[(&Index, i64)],
        first: usize,
        names: &mut Names,
        edits: &mut Edits,
    ) -> Option<(String, Option<String>)> {
        let (index, distance) = *lengths.first()?;
        if let (Ok(limit), [_]) = (index.limit.parse::<i64>(), lengths) {
            return Some(((limit - distance).max(0).to_string(), None));
        }
        let key: Vec<String> = lengths
            .iter()
            .map(|(index, distance)| format!("{} {distance}", index.limit))
            .collect();
        if let Some(known) = edits.limits.get(&key) {
            return Some(known.clone());
        }
        // One of 32 bits is half of the length, where that fits.
        let is_half = index.and.is_some();
        let is_long = is_half || index.comparison.ends_with("64");
        let ty = if is_long { "u64" } else { "u32" };
        let mut lines = Vec::new();
        let (mut least, mut place) = (None, Some(0));
        for (index, distance) in lengths {
            let (text, line) = self.definition(&index.limit)?;
            place = place.max(Some(line));
            let mut length = index.limit.clone();
            if is_half {
                let (_, [_, whole]) = halved(text)?;
                length = whole.to_owned();
            }
            if let Some(and) = &index.and {
                place = place.max(Some(self.definition(and)?.1));
            }
            if *distance > 0 {
                let (most, rest) = (names.integer(is_long), names.integer(is_long));
                lines.push(format!("    max.{ty} {most}, {length}, {distance};"));
                lines.push(format!("    sub.{ty} {rest}, {most}, {distance};"));
                length = rest;
                // Where the length does not fit in 32 bits, no index is outside.
                if let Some(and) = &index.and {
                    let chosen = names.integer(is_long);
                    lines.push(format!("    selp.b64 {chosen}, {length}, -1, {and};"));
                    length = chosen;
                }
            }
            least = Some(match least {
                None => length,
                Some(before) => {
                    let less = names.integer(is_long);
                    lines.push(format!("    min.{ty} {less}, {before}, {length};"));
                    less
                }
            });
        }
        let (mut limit, mut and) = (least?, None);
        if is_half {
            let (low, fits) = (names.integer(false), names.predicate());
            lines.push(format!("    cvt.u32.u64 {low}, {limit};"));
            lines.push(format!("    setp.le.u64 {fits}, {limit}, {};", u32::MAX));
            limit = low;
            and = Some(fits);
        }
        match place {
            Some(line) if line < first => {
                edits.after.entry(line).or_default().extend(lines);
                edits.limits.insert(key, (limit.clone(), and.clone()));
            }
            _ => edits.first.entry(first).or_default().extend(lines),
        }
        Some((limit, and))
    }
}

/// Operation and operands of an instruction that takes the low half of a register.
fn halved(text: &str) -> Option<(&str, [&str; 2])> {
    let (op, operands) = text.split_once(' ')?;
    let operands: Vec<&str> = operands.split(", ").collect();
    let operands = operands.try_into().ok()?;
    (op == "cvt.u32.u64").then_some((op, operands))
}

/// Operation and operands of an instruction with three of them.
fn instruction(text: &str) -> Option<(&str, [&str; 3])> {
    let (op, operands) = text.trim().strip_suffix(';')?.split_once(' ')?;
    let operands: Vec<&str> = operands.split(", ").collect();
    Some((op, operands.try_into().ok()?))
}

/// What an operation with a constant multiplies by.
fn factor(op: &str, amount: &str) -> Option<i64> {
    let amount = amount.parse::<i64>().ok()?;
    match op {
        "mul.wide.u32" | "mul.wide.s32" | "mul.lo.u32" | "mul.lo.u64" => Some(amount),
        "shl.b32" | "shl.b64" if (0..32).contains(&amount) => Some(1 << amount),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::moved;

    #[test]
    fn indices_that_follow_one_another_are_checked_at_once() {
        let found = moved(
            "    ld.param.u64 %rd1, [x_len];
    cvt.u32.u64 %r9, %rd1;
    setp.le.u64 %p9, %rd1, 4294967295;
    add.u32 %r2, %r1, 1;
    setp.ge.and.u32 %p1, %r2, %r9, %p9;
    @%p1 bra $L90;
    setp.ge.and.u32 %p2, %r1, %r9, %p9;
    @%p2 bra $L91;
    st.global.f32 [%rd2], %f2;",
        );
        assert_eq!(
            found,
            "    ld.param.u64 %rd1, [x_len];
    cvt.u32.u64 %r9, %rd1;
    setp.le.u64 %p9, %rd1, 4294967295;
    max.u64 %rd51, %rd1, 1;
    sub.u64 %rd52, %rd51, 1;
    selp.b64 %rd53, %rd52, -1, %p9;
    cvt.u32.u64 %r51, %rd53;
    setp.le.u64 %p51, %rd53, 4294967295;
    add.u32 %r2, %r1, 1;
    setp.ge.and.u32 %p52, %r1, %r51, %p51;
    @%p52 bra $L51;
    st.global.f32 [%rd2], %f2;
$L51:
    setp.ge.and.u32 %p1, %r2, %r9, %p9;
    @%p1 bra $L90;
    bra $L91;"
        );
    }

    #[test]
    fn an_index_of_several_slices_is_compared_with_the_least_of_their_lengths() {
        let found = moved(
            "    ld.param.u64 %rd1, [x_len];
    ld.param.u64 %rd2, [y_len];
    setp.ge.u64 %p1, %rd9, %rd1;
    @%p1 bra $L90;
    setp.ge.u64 %p2, %rd9, %rd2;
    @%p2 bra $L91;",
        );
        assert_eq!(
            found,
            "    ld.param.u64 %rd1, [x_len];
    ld.param.u64 %rd2, [y_len];
    min.u64 %rd51, %rd1, %rd2;
    setp.ge.u64 %p51, %rd9, %rd51;
    @%p51 bra $L51;
$L51:
    setp.ge.u64 %p1, %rd9, %rd1;
    @%p1 bra $L90;
    bra $L91;"
        );
    }

    #[test]
    fn addresses_behind_the_check_count_from_the_least_index() {
        let found = moved(
            "    ld.param.u32 %r9, [n];
    mul.lo.u32 %r3, %r1, 4;
    add.u32 %r2, %r3, 4;
    setp.ge.u32 %p1, %r3, %r9;
    @%p1 bra $L90;
    setp.ge.u32 %p2, %r2, %r9;
    @%p2 bra $L91;
    mul.wide.u32 %rd2, %r3, 4;
    add.s64 %rd3, %rd1, %rd2;
    mul.wide.u32 %rd4, %r2, 4;
    add.s64 %rd5, %rd1, %rd4;",
        );
        assert!(
            found.contains(
                "    mul.wide.u32 %rd51, %r3, 4;
    add.s64 %rd52, %rd1, %rd51;
    add.s64 %rd5, %rd52, 16;"
            ),
            "{found}"
        );
    }

    #[test]
    fn indices_of_shared_arrays_may_have_gaps_and_their_limit_is_a_number() {
        let found = moved(
            "    add.s32 %r2, %r1, 8;
    setp.ge.u32 %p1, %r1, 256;
    @%p1 bra $L90;
    setp.ge.u32 %p2, %r2, 256;
    @%p2 bra $L90;",
        );
        assert_eq!(
            found,
            "    add.s32 %r2, %r1, 8;
    setp.ge.u32 %p51, %r1, 248;
    @%p51 bra $L51;
$L51:
    setp.ge.u32 %p1, %r1, 256;
    @%p1 bra $L90;
    bra $L90;"
        );
    }

    #[test]
    fn indices_without_a_sign_that_do_not_follow_one_another_have_checks_of_their_own() {
        let found = moved(
            "    add.u32 %r2, %r1, 2;
    setp.ge.and.u32 %p1, %r1, %r9, %p9;
    @%p1 bra $L90;
    setp.ge.and.u32 %p2, %r2, %r9, %p9;
    @%p2 bra $L91;",
        );
        assert!(found.contains("or.pred %p51, %p1, %p2;"), "{found}");
    }
}
