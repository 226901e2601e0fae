//! The WebAssembly text that a kernel became, beside the lines of PTX that it comes from. These are
//! comments, so the text as a whole is still a module that other tools read.

use std::fmt::Write as _;

use anyhow::Context;
use tensor_wasm_ptx::compile::{CodeLine, FunctionLines};
use wasmparser::{Parser, Payload};

/// The most characters of a PTX line that are shown.
const MOST_SHOWN: usize = 120;

/// Where each line of the text begins in a module's code: offsets into the module.
struct Marks {
    marks: Vec<(u64, u32)>,
}

/// Writes a module as text, with lines of the PTX before what each became.
///
/// # Errors
/// Where the module is invalid, which is an error of the compiler.
pub fn listing(wasm: &[u8], functions: &[FunctionLines], ptx: &[u8]) -> anyhow::Result<String> {
    let marks = Marks::new(wasm, functions).context("can't read what the compiler made")?;
    let ptx = String::from_utf8_lossy(ptx);
    let ptx: Vec<&str> = ptx.lines().collect();
    let mut marks = marks.marks.into_iter().peekable();
    let mut text = String::new();
    let mut printed = String::new();
    let lines = wasmprinter::Config::new()
        .offsets_and_lines(wasm, &mut printed)
        .context("can't print what the compiler made")?;
    for (offset, line) in lines {
        let mut begun = None;
        while let Some((_, number)) =
            offset.and_then(|offset| marks.next_if(|(at, _)| *at <= offset))
        {
            begun = Some(number);
        }
        if let Some(number) = begun {
            let indent = line.len() - line.trim_start().len();
            let _ = writeln!(text, "{:indent$};; {}", "", shown(number, &ptx));
        }
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

/// A line of PTX as a comment shows it.
pub fn shown(number: u32, ptx: &[&str]) -> String {
    let line = (number as usize)
        .checked_sub(1)
        .and_then(|place| ptx.get(place));
    let Some(line) = line else {
        return "(which thread is next, and where it goes on)".to_owned();
    };
    let line = line.trim();
    // A file may hold what a terminal takes for commands.
    let clean: String = line
        .chars()
        .take(MOST_SHOWN)
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    let more = if line.chars().nth(MOST_SHOWN).is_some() {
        "…"
    } else {
        ""
    };
    format!("line {number}: {clean}{more}")
}

impl Marks {
    fn new(wasm: &[u8], functions: &[FunctionLines]) -> anyhow::Result<Marks> {
        let mut marks = Vec::new();
        let mut functions = functions.iter();
        for payload in Parser::new(0).parse_all(wasm) {
            // Functions come in the same order; what follows them is not made from lines.
            if let Payload::CodeSectionEntry(body) = payload?
                && let Some(function) = functions.next()
            {
                let begin = body.get_operators_reader()?.original_position();
                marks.extend(
                    function
                        .lines
                        .iter()
                        .map(|CodeLine { offset, line }| (begin + u64::from(*offset), *line)),
                );
            }
        }
        Ok(Marks { marks })
    }
}
