//! Checks that stand together are one branch, to code that finds out which of them failed.

use super::line::Branch;
use super::{Names, Text, positive};

impl Text {
    /// Makes one branch of checks that stand together.
    pub fn merge(self, names: &mut Names) -> (Vec<String>, Vec<String>) {
        let (mut text, mut behind) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < self.lines.len() {
            let count = (at..)
                .take_while(|line| self.check(*line).is_some())
                .count();
            if count < 2 {
                text.extend(self.lines.get(at).map(|line| line.text.clone()));
                at += 1;
                continue;
            }
            let checks: Vec<&Branch> = (at..at + count)
                .filter_map(|line| self.check(line))
                .collect();
            let mut any: Option<String> = None;
            let mut known: Vec<(&str, bool)> = Vec::new();
            for check in &checks {
                let kind = (check.predicate.as_str(), check.is_negated);
                if known.contains(&kind) {
                    continue;
                }
                known.push(kind);
                let mut added = Vec::new();
                let fails = positive(&check.predicate, check.is_negated, names, &mut added);
                text.extend(added);
                any = Some(match any {
                    None => fails,
                    Some(before) => {
                        let either = names.predicate();
                        text.push(format!("    or.pred {either}, {before}, {fails};"));
                        either
                    }
                });
            }
            let label = names.label();
            text.push(format!("    @{} bra {label};", any.unwrap_or_default()));
            behind.push(format!("{label}:"));
            for (number, check) in checks.iter().enumerate() {
                let Branch {
                    predicate, target, ..
                } = check;
                let not = if check.is_negated { "!" } else { "" };
                behind.push(if number + 1 < checks.len() {
                    format!("    @{not}{predicate} bra {target};")
                } else {
                    format!("    bra {target};")
                });
            }
            at += count;
        }
        (text, behind)
    }
}
