//! Kernels of the corpus with words and lines exchanged: most still look like PTX, so what comes
//! behind the parser sees what a parser of random bytes never lets through.

/// Where the choices of a mutation come from.
struct Choices<'d>(&'d [u8]);

impl Choices<'_> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }

    /// A number below `most`.
    fn below(&mut self, most: usize) -> usize {
        (self.next() << 8 | self.next()) % most.max(1)
    }
}

/// Numbers that something may not have been ready for.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "31",
    "32",
    "64",
    "0xffffffff",
    "-2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "4611686018427387904",
    "18446744073709551615",
    "0f7FC00000",
    "0dFFF0000000000000",
];

/// The words of a text, with what is between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = |letter: char| match letter {
            '%' | '_' | '$' => 0,
            _ if letter.is_alphanumeric() => 0,
            _ if letter.is_whitespace() => 1,
            _ => 2,
        };
        let end = match kind(first) {
            2 => first.len_utf8(),
            own => rest
                .find(|letter| kind(letter) != own)
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after;
    }
    words
}

/// A kernel's text, changed as the bytes say.
pub fn mutated(data: &[u8]) -> String {
    let mut choices = Choices(data);
    let text = KERNELS[choices.below(KERNELS.len())];
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let forms: Vec<&str> = FORMS.lines().collect();
    while !choices.0.is_empty() {
        let line = choices.below(lines.len());
        match choices.next() % 6 {
            0 => {
                let other = choices.below(lines.len());
                lines.swap(line, other);
            }
            1 => {
                let copy = lines[choices.below(lines.len())].clone();
                lines.insert(line, copy);
            }
            2 => {
                if lines.len() > 1 {
                    lines.remove(line);
                }
            }
            3 => {
                // One word of the line becomes another's.
                let other = lines[choices.below(lines.len())].clone();
                let mut own = words(&lines[line]);
                let others = words(&other);
                if !own.is_empty() && !others.is_empty() {
                    let place = choices.below(own.len());
                    own[place] = others[choices.below(others.len())];
                    lines[line] = own.concat();
                }
            }
            4 => {
                let mut own = words(&lines[line]);
                if !own.is_empty() {
                    let place = choices.below(own.len());
                    own[place] = NUMBERS[choices.next() % NUMBERS.len()];
                    lines[line] = own.concat();
                }
            }
            _ => {
                // The mnemonic of another form in front of the line's operands.
                let form = forms[choices.below(forms.len())];
                let mnemonic = form.split(' ').next().unwrap_or_default();
                let operands = lines[line].trim_start();
                let operands = operands
                    .find([' ', '\t'])
                    .map(|at| operands[at..].to_owned());
                lines[line] = format!("{mnemonic}{}", operands.unwrap_or_else(|| ";".into()));
            }
        }
    }
    lines.join("\n")
}

macro_rules! kernels {
    ($($name:literal),* $(,)?) => {
        &[$(
            include_str!(concat!("../../corpus/", $name, "/nvrtc.ptx")),
            include_str!(concat!("../../corpus/", $name, "/clang.ptx")),
        )*]
    };
}

/// Kernels that mutations begin with: those of the corpus that are short.
pub const KERNELS: &[&str] = kernels!(
    "argmax",
    "big_integers",
    "bits",
    "bitonic_sort",
    "compact",
    "convolution",
    "edit_distance",
    "half",
    "hash",
    "histogram",
    "mandelbrot",
    "matmul_tiled",
    "monte_carlo",
    "philox",
    "print_and_assert",
    "quantized",
    "quicksort",
    "saxpy",
    "scan",
    "softmax",
    "structures",
    "switch",
    "warp_aggregate",
    "warp_reduce",
);

/// One instruction in each form that the crate knows.
pub const FORMS: &str = include_str!("../../tests/data/forms.ptx");
