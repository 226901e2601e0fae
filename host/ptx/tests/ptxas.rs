//! Printed modules by NVIDIA's own assembler, `ptxas`: a driver is given what this crate prints, so
//! all that `ptxas` takes as an author wrote it, it must take as printed, and give the kernels the same
//! registers and spills.
//!
//! `TENSOR_WASM_PTXAS` says where the program is; else it is looked for in `PATH`. Where there is none,
//! these tests say so and test nothing: `cargo xtask ptxas` installs it, and runs them for longer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tensor_wasm_ptx::{Limits, Module, parse};

use crate::{forms, random};

/// What of a kernel's compilation tells whether it is as good as another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kernel {
    registers: u32,
    /// Bytes of registers that are stored to local memory.
    spilled: u32,
}

/// What the assembler makes of a text: its kernels, or what it says instead.
type Assembled = Result<BTreeMap<String, Kernel>, String>;

/// Whether products and sums that say no rounding may become one instruction, as by default.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Contraction {
    Allowed,
    Off,
}

struct Ptxas {
    program: PathBuf,
}

impl Ptxas {
    /// Where there is none, the test is skipped, and says so.
    fn find() -> Option<Ptxas> {
        let named = std::env::var_os("TENSOR_WASM_PTXAS").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = std::env::split_paths(&path);
        let program = named.or_else(|| {
            folders.find_map(|folder| Some(folder.join("ptxas")).filter(|p| p.is_file()))
        });
        if program.is_none() {
            eprintln!("skipped: there is no ptxas; `cargo xtask ptxas` installs one");
        }
        Some(Ptxas { program: program? })
    }

    fn assemble(&self, text: &str, contraction: Contraction) -> Assembled {
        static FILES: AtomicU64 = AtomicU64::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("tensor-wasm-ptxas-{}-{number}.ptx", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(&self.program);
        command.args(["--verbose", "--output-file", "/dev/null"]);
        command.arg(format!("--gpu-name=sm_{}", device_for(text)));
        if contraction == Contraction::Off {
            command.arg("--fmad=false");
        }
        let output = command.arg(&file).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        std::fs::remove_file(&file).unwrap();
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        match output.status.success() {
            true => Ok(kernels(&said)),
            false => Err(said.replace(&*file.to_string_lossy(), "line")),
        }
    }
}

/// The oldest device that a text for its target runs on, of those that the assembler knows.
fn device_for(text: &str) -> u32 {
    let target = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(".target sm_"));
    let digits = target
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_digit())
        .next();
    let target: u32 = digits.and_then(|digits| digits.parse().ok()).unwrap_or(75);
    // PTX for older ones runs on this, which even newer assemblers know.
    target.max(75)
}

/// Reads what `--verbose` says: for each kernel a line `Compiling entry function 'name' …`, and after it
/// the spills and `Used 30 registers`.
fn kernels(said: &str) -> BTreeMap<String, Kernel> {
    let mut found = BTreeMap::new();
    let mut name = String::new();
    let mut spilled = 0;
    let number_before = |line: &str, what: &str| -> Option<u32> {
        let before = line.split_once(what)?.0;
        before.rsplit(' ').next()?.parse().ok()
    };
    for line in said.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            name = rest.split('\'').next().unwrap_or_default().to_owned();
            spilled = 0;
        }
        spilled = number_before(line, " bytes spill stores").unwrap_or(spilled);
        if let Some(registers) = number_before(line, " registers") {
            found.insert(name.clone(), Kernel { registers, spilled });
        }
    }
    found
}

fn parsed(text: &str) -> Option<Module> {
    parse(text.as_bytes(), &Limits::default()).ok()
}

/// Where the assembler takes the text, it takes it as printed, and makes the same of it. True where it
/// took the text.
#[track_caller]
fn assert_same(ptxas: &Ptxas, what: &str, text: &str) -> bool {
    let module = parsed(text).unwrap_or_else(|| panic!("{what} is refused by us:\n{text}"));
    for (contraction, printed) in [
        (Contraction::Allowed, format!("{module}")),
        // What a driver gets says of each sum and product how it rounds.
        (Contraction::Off, format!("{module:#}")),
    ] {
        let Ok(expected) = ptxas.assemble(text, contraction) else {
            return false;
        };
        match ptxas.assemble(&printed, contraction) {
            Ok(found) => assert_eq!(
                found, expected,
                "{what}, contraction {contraction:?}:\n{printed}"
            ),
            Err(said) => panic!("{what} is refused as printed: {said}\n{printed}"),
        }
    }
    true
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// All texts in a folder, and in the folders in it.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if path.extension().is_some_and(|end| end == "ptx") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

#[test]
fn printed_kernels_of_compilers_are_assembled_to_the_same_registers_and_spills() {
    let Some(ptxas) = Ptxas::find() else { return };
    let mut assembled = 0;
    for name in ["corpus", "filetests", "tests/data"] {
        for (path, text) in texts(&folder(name)) {
            assert!(
                assert_same(&ptxas, &path, &text),
                "{path} is no PTX of NVIDIA's"
            );
            assembled += 1;
        }
    }
    assert!(assembled > 100, "{assembled}");
}

const HEAD: &str = ".version 8.3\n.target sm_90\n.address_size 64\n";

/// Texts of which each was printed wrongly once, or shows that what one kind of directive says is kept.
const CONSTRUCTS: [(&str, &str); 9] = [
    (
        "addresses among bytes",
        ".global .align 4 .b8 x[8];
.global .align 1 .u8 place[11] = {7, 0xff(x), 0xff00(x), 0xff0000(x), 0xff000000(x), 0xff00000000(x),
    0xff0000000000(x), 0xff000000000000(x), 0xff00000000000000(x), 1, 2};
.global .align 1 .u8 behind[12] = {7, 1, 0xff(generic(x)+4), 0xff00(generic(x)+4),
    0xff0000(generic(x)+4), 0xff000000(generic(x)+4), 0xff00000000(generic(x)+4),
    0xff0000000000(generic(x)+4), 0xff000000000000(generic(x)+4), 0xff00000000000000(generic(x)+4), 1, 2};
.visible .entry k(.param .u64 out)
{
    .reg .b64 %d<4>;
    .reg .b16 %h<2>;
    ld.param.u64 %d1, [out];
    ld.global.u8 %h1, [place+3];
    st.global.u8 [%d1], %h1;
    ld.global.u8 %h1, [behind+3];
    st.global.u8 [%d1+1], %h1;
    ret;
}",
    ),
    (
        "addresses of constant memory, generic and plain",
        ".const .align 4 .b8 table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
.global .align 8 .u64 plain[2] = {table, table+4};
.global .align 8 .u64 all[2] = {generic(table), generic(table)+4};
.visible .entry k(.param .u64 out)
{
    .reg .b64 %d<4>;
    .reg .b32 %r<4>;
    ld.param.u64 %d1, [out];
    ld.global.u64 %d2, [plain+8];
    ld.const.u32 %r1, [%d2];
    ld.global.u64 %d2, [all+8];
    ld.u32 %r2, [%d2];
    add.u32 %r1, %r1, %r2;
    st.global.u32 [%d1], %r1;
    ret;
}",
    ),
    (
        "directives of an entry",
        ".visible .entry limited(.param .u64 out)
.maxntid 128, 2, 1
.minnctapersm 4
.maxnreg 32
{ ret; }
.visible .entry exact() .reqntid 64 { ret; }
.visible .entry cluster() .explicitcluster .reqnctapercluster 1, 1, 1 { ret; }"
    ),
    (
        "loops that are not to be unrolled, by a pragma at the loop, and of an entry",
        ".visible .entry at_the_loop(.param .u64 values)
{
    .reg .pred %p; .reg .b32 %r<6>; .reg .b64 %d<3>;
    ld.param.u64 %d1, [values];
    mov.u32 %r2, 0;
    mov.u32 %r3, 0;
AGAIN:
    .pragma \"nounroll\";
    ld.global.u32 %r4, [%d1];
    mad.lo.u32 %r2, %r2, 31, %r4;
    add.u64 %d1, %d1, 4;
    add.u32 %r3, %r3, 1;
    setp.lt.u32 %p, %r3, 64;
    @%p bra AGAIN;
    st.global.u32 [%d1], %r2;
    ret;
}
.visible .entry of_the_entry(.param .u64 values)
.pragma \"nounroll\";
{
    .reg .pred %p; .reg .b32 %r<6>; .reg .b64 %d<3>;
    ld.param.u64 %d1, [values];
    mov.u32 %r2, 0;
    mov.u32 %r3, 0;
AGAIN:
    ld.global.u32 %r4, [%d1];
    mad.lo.u32 %r2, %r2, 31, %r4;
    add.u64 %d1, %d1, 4;
    add.u32 %r3, %r3, 1;
    setp.lt.u32 %p, %r3, 64;
    @%p bra AGAIN;
    st.global.u32 [%d1], %r2;
    ret;
}",
    ),
    (
        "loops of a module that are not to be unrolled",
        ".pragma \"nounroll\";
.visible .entry k(.param .u64 values)
{
    .reg .pred %p; .reg .b32 %r<6>; .reg .b64 %d<3>;
    ld.param.u64 %d1, [values];
    mov.u32 %r2, 0;
    mov.u32 %r3, 0;
AGAIN:
    ld.global.u32 %r4, [%d1];
    mad.lo.u32 %r2, %r2, 31, %r4;
    add.u64 %d1, %d1, 4;
    add.u32 %r3, %r3, 1;
    setp.lt.u32 %p, %r3, 64;
    @%p bra AGAIN;
    st.global.u32 [%d1], %r2;
    ret;
}",
    ),
    (
        "the functions that a device provides",
        ".extern .func (.param .b64 block) malloc(.param .b64 bytes);
.extern .func free(.param .b64 block);
.extern .func (.param .b32 used) vprintf(.param .b64 format, .param .b64 values);
.extern .func __assertfail(.param .b64 message, .param .b64 file, .param .b32 line, .param .b64 function, .param .b64 size) .noreturn;
.global .align 1 .b8 text[4] = {37, 100, 10, 0};
.visible .entry k()
{
    .local .align 8 .b8 values[8];
    .reg .pred %p; .reg .b32 %r<3>; .reg .b64 %d<6>;
    mov.u64 %d1, 64;
    {
        .param .b64 p0; .param .b64 p1;
        st.param.b64 [p0], %d1;
        call.uni (p1), malloc, (p0);
        ld.param.b64 %d2, [p1];
    }
    setp.ne.u64 %p, %d2, 0;
    @%p bra THERE;
    mov.u64 %d3, text;
    cvta.global.u64 %d3, %d3;
    {
        .param .b64 p0; .param .b64 p1; .param .b32 p2; .param .b64 p3; .param .b64 p4;
        st.param.b64 [p0], %d3; st.param.b64 [p1], %d3; st.param.b32 [p2], 7; st.param.b64 [p3], %d3;
        st.param.b64 [p4], 1;
        call.uni __assertfail, (p0, p1, p2, p3, p4);
    }
    trap;
THERE:
    mov.u64 %d4, values;
    cvta.local.u64 %d4, %d4;
    st.local.u32 [values], 7;
    mov.u64 %d3, text;
    cvta.global.u64 %d3, %d3;
    {
        .param .b64 p0; .param .b64 p1; .param .b32 p2;
        st.param.b64 [p0], %d3; st.param.b64 [p1], %d4;
        call.uni (p2), vprintf, (p0, p1);
        ld.param.b32 %r1, [p2];
    }
    {
        .param .b64 p0;
        st.param.b64 [p0], %d2;
        call.uni free, (p0);
    }
    ret;
}",
    ),
    (
        "numbers and arrays that calls pass",
        ".func (.param .align 8 .b8 both[16]) swapped(.param .align 8 .b8 pair[16], .param .f32 scale, .param .b16 small)
{
    .reg .b64 %d<3>; .reg .f32 %f<2>; .reg .b16 %h<2>; .reg .b32 %r<2>;
    ld.param.b64 %d1, [pair];
    ld.param.b64 %d2, [pair+8];
    ld.param.f32 %f1, [scale];
    ld.param.b16 %h1, [small];
    cvt.rzi.u32.f32 %r1, %f1;
    cvt.u64.u32 %d0, %r1;
    add.u64 %d2, %d2, %d0;
    cvt.u64.u16 %d0, %h1;
    add.u64 %d2, %d2, %d0;
    st.param.b64 [both], %d2;
    st.param.b64 [both+8], %d1;
    ret;
}
.visible .entry k(.param .u64 out)
{
    .reg .b64 %d<5>;
    ld.param.u64 %d1, [out];
    {
        .param .align 8 .b8 p0[16]; .param .f32 p1; .param .b16 p2; .param .align 8 .b8 p3[16];
        st.param.b64 [p0], 1; st.param.b64 [p0+8], 2; st.param.f32 [p1], 0f40000000; st.param.b16 [p2], 3;
        call.uni (p3), swapped, (p0, p1, p2);
        ld.param.b64 %d2, [p3];
        ld.param.b64 %d3, [p3+8];
    }
    st.global.u64 [%d1], %d2;
    st.global.u64 [%d1+8], %d3;
    ret;
}",
    ),
    (
        "functions that never return, called by name and through a register",
        ".func stop(.param .b32 code) .noreturn
{
    trap;
}
.visible .entry k(.param .u64 out, .param .u32 n)
{
    .reg .pred %p; .reg .b32 %r<3>; .reg .b64 %d<3>;
    ld.param.u32 %r1, [n];
    ld.param.u64 %d1, [out];
    setp.gt.u32 %p, %r1, 9;
    @!%p bra WELL;
    {
        .param .b32 p0;
        st.param.b32 [p0], %r1;
        call.uni stop, (p0);
    }
WELL:
    setp.gt.u32 %p, %r1, 5;
    @!%p bra BETTER;
    mov.u64 %d2, stop;
    {
        .param .b32 p0;
        st.param.b32 [p0], %r1;
        shape: .callprototype _ (.param .b32 _) .noreturn;
        call %d2, (p0), shape;
    }
BETTER:
    st.global.u32 [%d1], %r1;
    ret;
}",
    ),
    (
        "what a pointer argument points at",
        ".visible .entry k(.param .u64 .ptr .global .align 16 in, .param .u64 .ptr .global .align 16 out)
{
    .reg .b32 %r<5>; .reg .b64 %d<5>;
    ld.param.u64 %d1, [in];
    ld.param.u64 %d2, [out];
    ld.u32 %r1, [%d1];
    st.u32 [%d2], %r1;
    ld.u32 %r2, [%d1+4];
    st.u32 [%d2+4], %r2;
    ret;
}",
    ),
];

#[test]
fn what_texts_declare_is_printed_as_the_assembler_takes_it() {
    let Some(ptxas) = Ptxas::find() else { return };
    for (what, body) in CONSTRUCTS {
        let text = format!("{HEAD}{body}\n");
        if !assert_same(&ptxas, what, &text) {
            panic!("{what}: {:?}", ptxas.assemble(&text, Contraction::Allowed));
        }
    }
}

/// The printed text has this line.
#[track_caller]
fn assert_prints(body: &str, lines: &[&str]) {
    let module = parsed(&format!("{HEAD}{body}\n")).unwrap();
    let printed = format!("{module}");
    for line in lines {
        assert!(
            printed.lines().any(|other| other == *line),
            "{line}\n{printed}"
        );
    }
    let again = parsed(&printed).unwrap();
    assert!(again == module, "{printed}");
}

/// Without the assembler, these hold the same.
#[test]
fn printing_keeps_what_directives_say() {
    for (what, body) in CONSTRUCTS {
        let module = parsed(&format!("{HEAD}{body}\n")).unwrap_or_else(|| panic!("{what}"));
        let again = parsed(&format!("{module}")).unwrap();
        assert!(again == module, "{what}: {module}");
    }
    let construct = |what: &str| {
        CONSTRUCTS
            .iter()
            .find(|(name, _)| name.starts_with(what))
            .unwrap()
            .1
    };
    assert_prints(
        construct("directives"),
        &[
            ".maxntid 128, 2, 1",
            ".minnctapersm 4",
            ".maxnreg 32",
            ".reqntid 64, 1, 1",
        ],
    );
    assert_prints(
        construct("addresses of constant"),
        &[
            ".global .align 8 .u64 plain[2] = {table, table+4};",
            ".global .align 8 .u64 all[2] = {generic(table), generic(table)+4};",
        ],
    );
    assert_prints(
        construct("the functions that a device provides"),
        &[
            ".extern .func (.param .align 8 .b64 pointer) malloc(.param .align 8 .b64 bytes);",
            ".extern .func (.param .align 4 .b32 used) vprintf(.param .align 8 .b64 format, .param .align 8 .b64 values);",
        ],
    );
    let unrolling = format!(
        "{}",
        parsed(&format!("{HEAD}{}", construct("loops that"))).unwrap()
    );
    assert_eq!(
        unrolling.matches(".pragma \"nounroll\";\n").count(),
        2,
        "{unrolling}"
    );
    assert!(
        unrolling.contains("AGAIN:\n.pragma \"nounroll\";\n"),
        "{unrolling}"
    );
}

/// More in a long run: `PROPTEST_CASES=500`. Without the assembler, none.
fn config(cases: u32) -> ProptestConfig {
    let given = std::env::var("PROPTEST_CASES").ok();
    let cases = given.and_then(|given| given.parse().ok()).unwrap_or(cases);
    ProptestConfig {
        cases: if Ptxas::find().is_some() { cases } else { 0 },
        // Each case is a run of the assembler, and the text tells more than the bytes that made it.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn printed_random_kernels_are_assembled_to_the_same_registers_and_spills(
        data in prop::collection::vec(any::<u8>(), 20..400)
    ) {
        if let Some(ptxas) = Ptxas::find() {
            let text = random::kernel_text(&data);
            prop_assert!(assert_same(&ptxas, "a random kernel", &text), "{text}");
        }
    }

    #[test]
    fn random_instructions_are_printed_as_the_assembler_takes_them(
        picks in prop::collection::vec(forms::pick(), 1..4)
    ) {
        let text = forms::text_of(&picks);
        if let (Some(ptxas), Some(_)) = (Ptxas::find(), parsed(&text)) {
            assert_same(&ptxas, "a random text", &text);
        }
    }
}
