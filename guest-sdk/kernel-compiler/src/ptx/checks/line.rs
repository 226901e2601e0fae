//! Lines of PTX text as the writer makes them, read back for passes over the finished text: what each
//! defines and uses, and what may be moved past it.

/// A line, and what a pass has to know of it.
#[derive(Clone, Debug)]
pub struct Line {
    pub text: String,
    pub kind: LineKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LineKind {
    /// `.loc`: where what follows comes from.
    Location,
    Label(String),
    /// A branch that is taken where a predicate is true, or false.
    Branch(Branch),
    Step(Step),
    /// Something else, past which nothing moves.
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    pub predicate: String,
    pub is_negated: bool,
    pub target: String,
}

/// An instruction that only computes, or loads or stores without an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub defines: Option<String>,
    /// The registers that a load of several numbers defines.
    pub defines_all: Vec<String>,
    pub uses: Vec<String>,
    /// Whether its result depends on registers alone, and it can be computed where it was not asked for.
    pub is_pure: bool,
}

/// The operations whose results depend on their operands alone.
const PURE: [&str; 30] = [
    "abs", "add", "and", "brev", "clz", "copysign", "cos", "cvt", "cvta", "ex2", "fma", "lg2",
    "mad", "max", "min", "mov", "mul", "neg", "not", "or", "popc", "rcp", "rsqrt", "selp", "setp",
    "shl", "shr", "sin", "sub", "xor",
];

/// Those that are left where they are, for what they cost or since they may fault, and past which
/// others move.
const STAYING: [&str; 4] = ["div", "rem", "sqrt", "tanh"];

/// Accesses of memory that have no order.
const ACCESSES: [&str; 7] = [
    "ld.global.",
    "ld.local.",
    "ld.param.",
    "ld.shared.",
    "st.global.",
    "st.local.",
    "st.shared.",
];

impl Line {
    pub fn read(text: String) -> Line {
        let kind = kind(&text);
        Line { text, kind }
    }

    /// The registers that it may change: of what is not a step, all that it names.
    pub fn defined(&self) -> Vec<String> {
        match &self.kind {
            LineKind::Step(step) => step
                .defines
                .iter()
                .chain(&step.defines_all)
                .cloned()
                .collect(),
            LineKind::Other => registers(&self.text),
            LineKind::Location | LineKind::Label(_) | LineKind::Branch(_) => Vec::new(),
        }
    }

    /// The registers that it reads: of what is not a step, all that it names.
    pub fn used(&self) -> Vec<String> {
        match &self.kind {
            LineKind::Step(step) => step.uses.clone(),
            LineKind::Branch(branch) => vec![branch.predicate.clone()],
            LineKind::Other => registers(&self.text),
            LineKind::Location | LineKind::Label(_) => Vec::new(),
        }
    }

    /// Whether it may go on at a label.
    pub fn jumps_to(&self, label: &str) -> bool {
        match &self.kind {
            LineKind::Branch(branch) => branch.target == label,
            LineKind::Other => self.text.trim().strip_prefix("bra ") == Some(&format!("{label};")),
            LineKind::Location | LineKind::Label(_) | LineKind::Step(_) => false,
        }
    }

    pub fn step(&self) -> Option<&Step> {
        match &self.kind {
            LineKind::Step(step) => Some(step),
            _ => None,
        }
    }
}

fn kind(text: &str) -> LineKind {
    let text = text.trim();
    if let Some(label) = text.strip_suffix(':') {
        return LineKind::Label(label.to_owned());
    }
    if text.starts_with(".loc ") {
        return LineKind::Location;
    }
    let Some(text) = text.strip_suffix(';') else {
        return LineKind::Other;
    };
    if let Some(guarded) = text.strip_prefix('@') {
        let (is_negated, rest) = match guarded.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, guarded),
        };
        return match rest.split_once(" bra ") {
            Some((predicate, target)) => LineKind::Branch(Branch {
                predicate: predicate.to_owned(),
                is_negated,
                target: target.to_owned(),
            }),
            None => LineKind::Other,
        };
    }
    let Some((op, operands)) = text.split_once(' ') else {
        return LineKind::Other;
    };
    let name = op.split('.').next().unwrap_or_default();
    let is_access = ACCESSES.iter().any(|access| op.starts_with(access));
    if operands.contains('{') {
        return match (is_access, operands.split_once("}, ")) {
            // Halves of a register of 64 bits.
            (false, _) => LineKind::Other,
            (true, Some((loaded, address))) if name == "ld" => LineKind::Step(Step {
                defines: None,
                defines_all: registers(loaded),
                uses: registers(address),
                is_pure: false,
            }),
            (true, _) => LineKind::Step(Step {
                defines: None,
                defines_all: Vec::new(),
                uses: registers(operands),
                is_pure: false,
            }),
        };
    }
    let is_pure = PURE.contains(&name);
    if !is_access && !is_pure && !STAYING.contains(&name) {
        return LineKind::Other;
    }
    let (first, rest) = operands.split_once(", ").unwrap_or((operands, ""));
    let is_store = name == "st";
    LineKind::Step(Step {
        defines: (!is_store).then(|| first.to_owned()),
        defines_all: Vec::new(),
        uses: registers(if is_store { operands } else { rest }),
        is_pure: is_pure || op.starts_with("ld.param."),
    })
}

/// The registers in a text.
pub fn registers(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '%' | '.' | '_' | '$'))
        .filter(|word| word.starts_with('%'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Step {
        match kind(text) {
            LineKind::Step(step) => step,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_step_says_what_it_defines_and_uses() {
        let sum = step("    add.s64 %rd3, %rd1, 4;");
        assert_eq!(sum.defines.as_deref(), Some("%rd3"));
        assert_eq!(sum.uses, ["%rd1"]);
        assert!(sum.is_pure);
        let load = step("    ld.global.f32 %f1, [%rd3+8];");
        assert_eq!(load.defines.as_deref(), Some("%f1"));
        assert_eq!((load.uses, load.is_pure), (vec!["%rd3".to_owned()], false));
        let store = step("    st.shared.u32 [%r4], %r5;");
        assert_eq!((store.defines, store.uses.len()), (None, 2));
        assert!(!step("    div.s32 %r1, %r2, %r3;").is_pure);
        let pair = step("    ld.global.v2.f32 {%f1, %f2}, [%rd3];");
        assert_eq!(
            (pair.defines_all, pair.uses),
            (
                vec!["%f1".to_owned(), "%f2".to_owned()],
                vec!["%rd3".to_owned()]
            )
        );
        assert_eq!(
            step("    st.shared.v2.f32 [%r3], {%f1, %f2};").uses.len(),
            3
        );
    }

    #[test]
    fn nothing_moves_past_what_has_an_order_or_more_results() {
        for text in [
            "    bar.sync 0;",
            "    bra $L1;",
            "    atom.relaxed.gpu.global.add.u32 %r1, [%rd1], %r2;",
            "    ld.relaxed.gpu.global.u32 %r1, [%rd1];",
            "    shfl.sync.down.b32 %r1, %r2, 16, 31, -1;",
            "    mov.b64 {%r1, %r2}, %rd1;",
            "    ret;",
        ] {
            assert_eq!(kind(text), LineKind::Other, "{text}");
        }
    }

    #[test]
    fn branches_and_labels_are_told_apart() {
        assert_eq!(kind("$L3:"), LineKind::Label("$L3".into()));
        assert_eq!(kind("    .loc 1 2 3"), LineKind::Location);
        let branch = |is_negated| {
            LineKind::Branch(Branch {
                predicate: "%p1".into(),
                is_negated,
                target: "$L4".into(),
            })
        };
        assert_eq!(kind("    @%p1 bra $L4;"), branch(false));
        assert_eq!(kind("    @!%p1 bra $L4;"), branch(true));
    }
}
