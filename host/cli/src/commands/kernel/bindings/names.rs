//! Names of PTX as names of a language: letters, digits and `_`, and no word that the language has.

/// Words that are taken.
pub struct Keywords {
    /// By the language.
    pub language: &'static [&'static str],
    /// By the members of the class that is written.
    pub members: &'static [&'static str],
    /// By the first parameters of each function.
    pub parameters: &'static [&'static str],
}

impl Keywords {
    /// The name of the function that launches a kernel.
    pub fn function(&self, text: &str) -> String {
        let mut name = identifier(text);
        if self.language.contains(&&*name) || self.members.contains(&&*name) {
            name.push('_');
        }
        name
    }

    /// The names of a kernel's parameters. NVIDIA's compiler calls them `kernel_param_0`: then what is
    /// behind the kernel's name. One that is taken, or is there twice, becomes `param_0`.
    pub fn parameters(&self, kernel: &str, given: &[&str]) -> Vec<String> {
        let prefix = format!("{kernel}_");
        let mut names: Vec<String> = Vec::new();
        for (number, given) in given.iter().enumerate() {
            let mut name = identifier(given.strip_prefix(&prefix).unwrap_or(given));
            let taken = |name: &str, names: &[String]| {
                self.language.contains(&name)
                    || self.parameters.contains(&name)
                    || names.iter().any(|other| other == name)
            };
            if taken(&name, &names) {
                name = format!("param_{number}");
            }
            while taken(&name, &names) {
                name.push('_');
            }
            names.push(name);
        }
        names
    }
}

/// A name with `_` for what no language has in names. A sole `_` is no name in Rust.
fn identifier(text: &str) -> String {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut name: String = text
        .chars()
        .map(|letter| if is_letter(letter) { letter } else { '_' })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) || name.chars().all(|c| c == '_') {
        name.insert_str(0, "p_");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Keywords = Keywords {
        language: &["fn", "in"],
        members: &["load"],
        parameters: &["queue"],
    };

    #[test]
    fn a_name_that_is_taken_gets_another_form() {
        assert_eq!(SOME.function("saxpy"), "saxpy");
        assert_eq!(SOME.function("fn"), "fn_");
        assert_eq!(SOME.function("load"), "load_");
        assert_eq!(SOME.function("a$b%c"), "a_b_c");
        assert_eq!(SOME.function("_"), "p__");
    }

    #[test]
    fn parameters_lose_the_kernel_s_name_and_no_two_are_the_same() {
        assert_eq!(
            SOME.parameters("k", &["k_param_0", "k_n"]),
            ["param_0", "n"]
        );
        assert_eq!(
            SOME.parameters("k", &["in", "queue", "k_3", "a", "k_a", "param_4"]),
            ["param_0", "param_1", "p_3", "a", "param_4", "param_5"]
        );
    }
}
