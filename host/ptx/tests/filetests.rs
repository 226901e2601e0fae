//! Filetests: the IR and the WebAssembly that each small kernel in `filetests/` becomes, and a summary
//! of what the kernels of the corpus become, compared with what is on file. A change to the compiler
//! shows there what it does to code. `cargo xtask test --bless` writes the files anew.
//!
//! A kernel's file says in comments what is compared:
//!
//! ```text
//! // ir: PASS ...         the IR after these passes, in NAME.ir
//! // wasm: FUNCTION ...   these functions of the module, or all of it, in NAME.wat
//! // vectorize: always    for lane groups, or one thread at a time (`never`), whether it pays off or not
//! ```

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tensor_wasm_ptx::compile::{Pass, Vectorize, compile, compile_as, print_ir};
use tensor_wasm_ptx::{Limits, Module, parse};

/// Set by `cargo xtask test --bless`.
const BLESS: &str = "TENSOR_WASM_BLESS";

/// The most lines of a difference that are shown.
const MOST_SHOWN: usize = 60;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files of PTX in a folder and those below it, in order.
fn ptx_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(ptx_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "ptx") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What is compared of a file of PTX.
struct Directives {
    ir: Vec<Pass>,
    /// The functions of the module; all of it where the list is empty.
    wasm: Option<Vec<String>>,
    vectorize: Vectorize,
}

impl Directives {
    fn of(text: &str, name: &str) -> Directives {
        let mut directives = Directives {
            ir: Vec::new(),
            wasm: None,
            vectorize: Vectorize::Always,
        };
        for line in text.lines().filter_map(|line| line.strip_prefix("// ")) {
            if let Some(passes) = line.strip_prefix("ir:") {
                let passes = passes.split_whitespace().map(|pass| pass.parse().unwrap());
                directives.ir = passes.collect();
            } else if line == "wasm" {
                directives.wasm = Some(Vec::new());
            } else if let Some(functions) = line.strip_prefix("wasm:") {
                let functions = functions.split_whitespace().map(str::to_owned);
                directives.wasm = Some(functions.collect());
            } else if let Some(word) = line.strip_prefix("vectorize:") {
                directives.vectorize = match word.trim() {
                    "always" => Vectorize::Always,
                    "never" => Vectorize::Never,
                    "auto" => Vectorize::Auto,
                    other => panic!("{name}: vectorize: {other}"),
                };
            }
        }
        assert!(
            !directives.ir.is_empty() || directives.wasm.is_some(),
            "{name} does not say what is compared"
        );
        directives
    }
}

/// The IR of all kernels of a module, after each of some passes.
fn ir(module: &Arc<Module>, directives: &Directives) -> String {
    let mut text = String::new();
    for entry in module.entries() {
        for pass in &directives.ir {
            let ir = print_ir(module, entry.name(), directives.vectorize, *pass).unwrap();
            assert_eq!(ir.pass, *pass, "{} has no use for that pass", entry.name());
            writeln!(text, ";; {} after {pass}", entry.name()).unwrap();
            for line in ir.lines {
                writeln!(text, "{}", line.text).unwrap();
            }
            text.push('\n');
        }
    }
    text
}

/// The WebAssembly of all kernels of a module: these functions, or everything.
fn wat(module: &Arc<Module>, directives: &Directives, functions: &[String]) -> String {
    let mut text = String::new();
    for entry in module.entries() {
        let kernel = compile_as(module, entry.name(), directives.vectorize).unwrap();
        let whole = wasmprinter::print_bytes(kernel.wasm()).unwrap();
        writeln!(text, ";; {}", entry.name()).unwrap();
        if functions.is_empty() {
            text.push_str(&whole);
            text.push('\n');
        }
        for name in functions {
            let export = format!("(export \"{name}\" (func ");
            let (_, rest) = whole.split_once(&export).expect("an exported function");
            let number = rest.split_once(')').unwrap().0;
            let begin = whole.find(&format!("\n  (func (;{number};)")).unwrap() + 1;
            let length = whole[begin..].find("\n  )\n").unwrap() + "\n  )\n".len();
            writeln!(text, ";; function {name:?}").unwrap();
            text.push_str(&whole[begin..begin + length]);
        }
    }
    text
}

/// What is wrong with a file's contents: empty where they are as they must be, or are written now.
fn compare(path: &Path, found: &str) -> String {
    if std::env::var_os(BLESS).is_some() {
        fs::write(path, found).unwrap();
        return String::new();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == found {
        return String::new();
    }
    let name = path.file_name().unwrap().to_string_lossy();
    format!(
        "{name} (- on file, + now):\n{}",
        difference(&expected, found)
    )
}

/// The lines between the first and the last one that differ.
fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let first = expected.iter().zip(&found).take_while(same).count();
    let rest = expected.len().min(found.len()) - first;
    let backwards = expected.iter().rev().zip(found.iter().rev());
    let last = backwards.take(rest).take_while(same).count();
    let mut text = format!("line {}:\n", first + 1);
    for (sign, lines) in [("-", &expected), ("+", &found)] {
        let lines = &lines[first..lines.len() - last];
        for line in lines.iter().take(MOST_SHOWN) {
            writeln!(text, "{sign}{line}").unwrap();
        }
        if lines.len() > MOST_SHOWN {
            writeln!(text, "{sign} ... {} more lines", lines.len() - MOST_SHOWN).unwrap();
        }
    }
    text
}

#[track_caller]
fn report(differences: &[String]) {
    let all: String = differences.concat();
    assert!(
        all.is_empty(),
        "{all}\nIf this is meant, renew the files: cargo xtask test --bless"
    );
}

#[test]
fn each_construct_becomes_the_ir_and_the_code_on_file() {
    let folder = folder("filetests");
    let mut expected_files = BTreeSet::from([folder.join("corpus.summary")]);
    let mut differences = Vec::new();
    let files = ptx_files(&folder);
    assert!(files.len() >= 25);
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let directives = Directives::of(&text, &name);
        let module = parse(text.as_bytes(), &Limits::default());
        let module = Arc::new(module.unwrap_or_else(|wrong| panic!("{name}: {wrong:?}")));
        if !directives.ir.is_empty() {
            let path = path.with_extension("ir");
            differences.push(compare(&path, &ir(&module, &directives)));
            expected_files.insert(path);
        }
        if let Some(functions) = &directives.wasm {
            let path = path.with_extension("wat");
            differences.push(compare(&path, &wat(&module, &directives, functions)));
            expected_files.insert(path);
        }
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let is_known = path.extension().is_some_and(|extension| extension == "ptx")
            || expected_files.contains(&path);
        assert!(is_known, "{} belongs to no file of PTX", path.display());
    }
    report(&differences);
}

#[test]
fn the_corpus_is_compiled_as_the_summary_on_file_says() {
    let corpus = folder("corpus");
    let mut summary = String::new();
    for path in ptx_files(&corpus) {
        let name = path.strip_prefix(&corpus).unwrap().display().to_string();
        let module = Arc::new(parse(&fs::read(&path).unwrap(), &Limits::default()).unwrap());
        for entry in module.entries() {
            let kernel = match compile(&module, entry.name()) {
                Ok(kernel) => kernel,
                Err(reason) => {
                    writeln!(summary, "{name} {}: interpreted, {reason}", entry.name()).unwrap();
                    continue;
                }
            };
            let how = match kernel.scalar_reason() {
                None => format!("vectors, {} bounds guards", kernel.bounds_guards()),
                Some(why) => format!("one thread at a time, since {why}"),
            };
            let (steps, bytes) = (kernel.steps(), kernel.wasm().len());
            let kernel = entry.name();
            writeln!(
                summary,
                "{name} {kernel}: {how}; {steps} steps, {bytes} bytes"
            )
            .unwrap();
        }
    }
    report(&[compare(
        &folder("filetests").join("corpus.summary"),
        &summary,
    )]);
}
