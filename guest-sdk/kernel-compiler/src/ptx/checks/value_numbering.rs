//! Local value numbering: what was computed since the last label, of the same values, is not computed
//! again. The writer does so for values that never change; here variables count too, as long as they
//! are not assigned between.

use std::collections::HashMap;

use super::Text;
use super::line::{Line, LineKind};

impl Text {
    /// Leaves out what is computed a second time.
    pub fn number_values(&mut self) {
        // The names that registers have instead.
        let mut renamed: HashMap<String, String> = HashMap::new();
        // How often each variable was assigned so far.
        let mut versions: HashMap<String, u32> = HashMap::new();
        let mut known: HashMap<String, String> = HashMap::new();
        let lines = std::mem::take(&mut self.lines);
        for line in lines {
            let line = line.renamed(&renamed);
            if let LineKind::Label(_) = line.kind {
                known.clear();
            }
            let fixed = line.step().and_then(|step| {
                let register = step.defines.as_ref()?;
                let is_fixed = step.is_pure && self.is_fixed(register);
                is_fixed.then(|| (register.clone(), step.uses.clone()))
            });
            if let Some((register, uses)) = fixed {
                let versions = uses
                    .iter()
                    .map(|used| versions.get(used).copied().unwrap_or(0));
                let text = line.text.replacen(&register, "", 1);
                let key = format!("{text} {:?}", versions.collect::<Vec<_>>());
                if let Some(before) = known.get(&key) {
                    renamed.insert(register, before.clone());
                    continue;
                }
                known.insert(key, register);
            } else {
                for register in line.defined() {
                    *versions.entry(register).or_insert(0) += 1;
                }
            }
            self.lines.push(line);
        }
    }
}

impl Line {
    /// The line with other names for some registers.
    fn renamed(self, names: &HashMap<String, String>) -> Line {
        let uses_one = |text: &str| {
            let words = super::line::registers(text);
            words.iter().any(|word| names.contains_key(word))
        };
        if names.is_empty() || !uses_one(&self.text) {
            return self;
        }
        let mut text = String::new();
        let mut rest = self.text.as_str();
        while let Some(at) = rest.find('%') {
            let (before, from) = rest.split_at(at);
            let is_of_name =
                |letter: char| letter.is_alphanumeric() || matches!(letter, '%' | '.' | '_' | '$');
            let end = from
                .find(|letter| !is_of_name(letter))
                .unwrap_or(from.len());
            let (name, behind) = from.split_at(end);
            text.push_str(before);
            text.push_str(names.get(name).map_or(name, String::as_str));
            rest = behind;
        }
        text.push_str(rest);
        Line::read(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::moved;

    #[test]
    fn what_was_computed_of_the_same_values_is_not_computed_again() {
        let found = moved(
            "    mov.b32 %r1, 0;
$L1:
    mul.lo.u32 %r2, %r1, 32;
    mul.lo.u32 %r3, %r1, 32;
    add.u32 %r4, %r3, 1;
    add.u32 %r1, %r1, 1;
    mul.lo.u32 %r5, %r1, 32;
    st.global.u32 [%rd1], %r4;
    st.global.u32 [%rd1+4], %r5;
    @%p1 bra $L1;",
        );
        assert_eq!(
            found,
            "    mov.b32 %r1, 0;
$L1:
    mul.lo.u32 %r2, %r1, 32;
    add.u32 %r4, %r2, 1;
    add.u32 %r1, %r1, 1;
    mul.lo.u32 %r5, %r1, 32;
    st.global.u32 [%rd1], %r4;
    st.global.u32 [%rd1+4], %r5;
    @%p1 bra $L1;"
        );
    }

    #[test]
    fn nothing_is_known_behind_a_label() {
        let text = "    add.u32 %r2, %r1, 1;
$L1:
    add.u32 %r3, %r1, 1;
    st.global.u32 [%rd1], %r2;
    st.global.u32 [%rd1], %r3;";
        assert_eq!(moved(text), text);
    }
}
