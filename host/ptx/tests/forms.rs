//! Every form of the table at once, and texts made of them: printing loses nothing, and no
//! combination of operands harms the parser.

use std::sync::Arc;

use crate::common::{Arguments, Flat, line, place_globals};
use proptest::prelude::*;
use tensor_wasm_ptx::interpret::run_grid;
use tensor_wasm_ptx::simt::Launch;
use tensor_wasm_ptx::{Limits, parse};

/// One instruction in each form; NVIDIA's assembler takes all of them.
const FORMS: &str = include_str!("data/forms.ptx");

fn forms() -> Vec<&'static str> {
    let body = FORMS
        .split("list: .branchtargets end, end;\n")
        .nth(1)
        .unwrap();
    body.lines().take_while(|line| *line != "end:").collect()
}

fn text(body: &[String]) -> String {
    let head = FORMS
        .split_inclusive("list: .branchtargets end, end;\n")
        .next()
        .unwrap();
    format!("{head}{}\nend:\nret;\n}}\n", body.join("\n"))
}

#[test]
fn the_module_of_all_forms_is_accepted_and_printed() {
    assert!(forms().len() > 1700);
    let module = crate::common::module(FORMS);
    assert!(parse(module.to_string().as_bytes(), &Limits::default()).unwrap() == *module);
}

/// What an operand may be replaced by, fitting or not.
const OPERANDS: [&str; 24] = [
    "%p1",
    "!%p2",
    "%h1",
    "%r1",
    "%d1",
    "%f1",
    "%g1",
    "_",
    "0",
    "-1",
    "255",
    "9223372036854775807",
    "0f7FC00000",
    "0dFFF8000000000000",
    "[%base]",
    "[s+4]",
    "[p]",
    "[c+-8]",
    "s",
    "{%r1, %r2}",
    "%r1|%p1",
    "%tid.x",
    "%clock64",
    "end",
];

/// An instruction: a form, which of its operands is another, which, and whether it is.
pub type Pick = (prop::sample::Index, prop::sample::Index, usize, bool);

/// Any of them.
pub fn pick() -> impl Strategy<Value = Pick> {
    (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0usize..OPERANDS.len(),
        any::<bool>(),
    )
}

/// A module of such instructions.
pub fn text_of(picks: &[Pick]) -> String {
    let forms = forms();
    let body: Vec<String> = picks
        .iter()
        .map(|(form, operand, other, change)| {
            let form = form.get(&forms).trim_end_matches(';');
            let Some((name, operands)) = form.split_once(' ') else {
                return format!("{form};");
            };
            let mut operands: Vec<&str> = operands.split(", ").collect();
            if *change {
                let place = operand.index(operands.len());
                operands[place] = OPERANDS[*other];
            }
            format!("{name} {};", operands.join(", "))
        })
        .collect();
    text(&body)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forms_with_other_operands_are_printed_faithfully_or_refused(
        picks in proptest::collection::vec(pick(), 1..12)
    ) {
        let text = text_of(&picks);
        if let Ok(module) = parse(text.as_bytes(), &Limits::default()) {
            let printed = module.to_string();
            let again = parse(printed.as_bytes(), &Limits::default());
            prop_assert!(again.is_ok_and(|again| again == module), "{printed}");
            // What is accepted can be run: it ends, faults or runs out of steps.
            let module = Arc::new(module);
            let memory = Flat::new(256);
            let symbols = place_globals(&module, &memory);
            let mut arguments = vec![0; 64];
            arguments.extend(Arguments::new().pointer(0).0);
            let launch = Launch::new(module, "k", line(1), line(33), 0, arguments, symbols);
            let _ = run_grid(&launch.unwrap(), &memory, 5000);
        }
    }
}

#[test]
fn modifiers_in_any_order_mean_the_same() {
    // Types tell results from operands by their order, and so do the two policies of
    // `createpolicy`.
    let is_type = |word: &&str| {
        word.starts_with(|first: char| "busf".contains(first))
            && word.ends_with(|last: char| last.is_ascii_digit())
    };
    for form in forms() {
        let (name, operands) = form
            .split_once(' ')
            .unwrap_or((form.trim_end_matches(';'), ";"));
        let mut words: Vec<&str> = name.split('.').collect();
        if words.iter().filter(|word| is_type(word)).count() > 1 || words[0] == "createpolicy" {
            continue;
        }
        let straight = crate::common::module(&text(&[form.to_owned()]));
        for _ in 2..words.len() {
            words[1..].rotate_left(1);
            let turned = crate::common::module(&text(&[format!("{} {operands}", words.join("."))]));
            assert!(turned == straight, "{form}");
        }
    }
}

#[test]
fn for_a_driver_each_sum_and_product_says_how_it_rounds() {
    let text = b".version 7.0
.target sm_70
.address_size 64
.visible .entry k(.param .u64 out)
{
    .reg .f32 %f<4>;
    .reg .f64 %d<3>;
    .reg .b32 %r<3>;
    add.f32 %f1, %f2, %f3;
    mul.ftz.f32 %f1, %f2, %f3;
    sub.rz.f32 %f1, %f2, %f3;
    mul.f64 %d1, %d2, %d2;
    fma.rn.f32 %f1, %f2, %f3, %f1;
    add.u32 %r1, %r2, %r2;
    mul.lo.u32 %r1, %r2, %r2;
    ret;
}
";
    let module = parse(text, &Limits::default()).expect("it is right");
    let (plain, said) = (format!("{module}"), format!("{module:#}"));
    for (without, with) in [
        ("add.f32 ", "add.rn.f32 "),
        ("mul.ftz.f32 ", "mul.rn.ftz.f32 "),
        ("sub.rz.f32 ", "sub.rz.f32 "),
        ("mul.f64 ", "mul.rn.f64 "),
        ("fma.rn.f32 ", "fma.rn.f32 "),
        ("add.u32 ", "add.u32 "),
        ("mul.lo.u32 ", "mul.lo.u32 "),
    ] {
        assert!(plain.contains(without) && said.contains(with), "{said}");
    }
    parse(said.as_bytes(), &Limits::default()).expect("it is still right");
}
