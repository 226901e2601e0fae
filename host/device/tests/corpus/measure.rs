//! What a kernel's results are measured by: the processor's bits, where every instruction has one
//! result, else only the scenario's own expectation, with its tolerance.

/// By what.
#[derive(Debug, PartialEq)]
pub enum Measure {
    Bits,
    /// And why not by the bits.
    Expectation(&'static str),
}

/// Kernels whose results lie in whatever order their warps come by.
const UNORDERED: [&str; 1] = ["compact"];

impl Measure {
    /// From the kernel's own text, by what `docs/numerics.md` says of its instructions.
    pub fn of(name: &str, text: &str) -> Measure {
        if UNORDERED.contains(&name) {
            return Measure::Expectation("its warps come by in any order");
        }
        let has = |is: &dyn Fn(&str) -> bool| text.split_whitespace().any(is);
        if has(&|word| word.contains(".approx") || word.contains(".full.f")) {
            return Measure::Expectation("it has approximate instructions");
        }
        let float = |word: &str| word.ends_with(".f32") || word.ends_with(".f64");
        let adds = |word: &str| word.starts_with("atom.") || word.starts_with("red.");
        if has(&|word| adds(word) && word.contains(".add") && float(word)) {
            return Measure::Expectation("its sums are made in any order");
        }
        // The manual lets a device's compiler fuse a product and a sum that name no rounding.
        let bare = |word: &str, verb: &str| {
            let rest = word.strip_prefix(verb).unwrap_or_default();
            float(word)
                && rest.starts_with('.')
                && ![".rn.", ".rz.", ".rm.", ".rp."]
                    .iter()
                    .any(|mode| rest.starts_with(mode))
        };
        if has(&|word| bare(word, "mul")) && has(&|word| bare(word, "add") || bare(word, "sub")) {
            return Measure::Expectation("products and sums may be fused");
        }
        Measure::Bits
    }

    pub fn name(&self) -> &'static str {
        match self {
            Measure::Bits => "bits",
            Measure::Expectation(_) => "expectation",
        }
    }

    pub fn why(&self) -> Option<&'static str> {
        match self {
            Measure::Bits => None,
            Measure::Expectation(why) => Some(why),
        }
    }
}

#[test]
fn only_what_has_one_result_is_measured_by_its_bits() {
    let of = |text: &str| Measure::of("some", text);
    assert_eq!(
        of("fma.rn.f32 %f1, %f2, %f3, %f4; add.f32 %f1, %f1, %f2;"),
        Measure::Bits
    );
    assert_eq!(
        of("mul.rn.f32 %f1, %f2, %f3; add.rn.f32 %f1, %f1, %f2;"),
        Measure::Bits
    );
    assert_eq!(
        of("mul.lo.s32 %r1, %r2, %r3; atom.global.add.u32 %r1, [%rd1], 1;"),
        Measure::Bits
    );
    for text in [
        "mul.f32 %f1, %f2, %f3;\n\tsub.f32 %f1, %f1, %f2;",
        "ex2.approx.ftz.f32 %f1, %f2;",
        "div.full.f32 %f1, %f2, %f3;",
        "atom.shared.add.f32 %f1, [%r1], %f2;",
    ] {
        assert_ne!(of(text), Measure::Bits, "{text}");
    }
}
