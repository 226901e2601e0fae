//! Loads and stores of four words for each thread: rows of memory, columns of registers.

use wasm_encoder::Instruction as W;

use crate::compile::codegen::Emitter;
use crate::compile::codegen::vector::memory::Elements;
use crate::compile::codegen::vector::{LOWER, VECTOR_LANES};
use crate::compile::ir::{Arg, Reg};

/// The first words of two vectors in turn, the last ones, and the upper halves.
const LOW_WORDS: [u8; 16] = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_WORDS: [u8; 16] = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
const UPPERS: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];

impl Emitter<'_> {
    /// Loads four words for each thread at once; false where it is another access.
    pub(crate) fn load_quads(
        &mut self,
        elements: Elements<'_>,
        targets: &[Reg],
        base: u32,
    ) -> bool {
        let Elements { apart, bytes, .. } = elements;
        let [a, b, c, d] = *targets else {
            return false;
        };
        let words = targets
            .iter()
            .all(|target| self.shared.body.ty(*target).bytes() == 4);
        if bytes != 4 || !words || apart.is_none() {
            return false;
        }
        for chunk in 0..VECTOR_LANES / 4 {
            let first = chunk * 4;
            let earlier = (0..chunk).find(|chunk| apart.repeats(first, chunk * 4, 4));
            if let Some(earlier) = earlier {
                for target in targets {
                    self.raw_chunk(*target, earlier);
                    self.set_chunk(*target, chunk);
                }
                continue;
            }
            if apart.is_stride(first, 4, 0) {
                for (number, target) in (0i64..).zip(targets) {
                    let word = elements.of(number);
                    self.get(base);
                    let at = self.at(word, first);
                    self.op(W::V128Load32Splat(at));
                    self.set_chunk(*target, chunk);
                }
                continue;
            }
            let rows = self.group.rows;
            for (lane, row) in (0u32..).zip(rows) {
                self.get(base);
                let at = self.at(elements, first + lane);
                self.op(W::V128Load(at));
                self.set(row);
            }
            self.transpose();
            for (target, row) in [a, b, c, d].into_iter().zip(rows) {
                self.get(row);
                self.set_chunk(target, chunk);
            }
        }
        true
    }

    /// Turns four rows of four words into columns.
    pub(crate) fn transpose(&mut self) {
        let [a, b, c, d] = self.group.rows;
        let [low, high, _] = self.group.temps;
        let [other_low, other_high] = self.group.halves;
        for (x, y, low, high) in [(a, b, low, high), (c, d, other_low, other_high)] {
            for (into, shuffle) in [(low, LOW_WORDS), (high, HIGH_WORDS)] {
                self.get(x);
                self.get(y);
                self.op(W::I8x16Shuffle(shuffle));
                self.set(into);
            }
        }
        for (x, y, first, second) in [(low, other_low, a, b), (high, other_high, c, d)] {
            for (into, shuffle) in [(first, LOWER), (second, UPPERS)] {
                self.get(x);
                self.get(y);
                self.op(W::I8x16Shuffle(shuffle));
                self.set(into);
            }
        }
    }

    /// Stores four words of each thread at once; false where it is another access.
    pub(crate) fn store_quads(
        &mut self,
        elements: Elements<'_>,
        values: &[Arg],
        base: u32,
    ) -> bool {
        let Elements { apart, bytes, .. } = elements;
        let words = values
            .iter()
            .all(|value| self.shared.body.arg_ty(*value).bytes() == 4);
        if bytes != 4 || values.len() != 4 || !words || apart.is_none() {
            return false;
        }
        for chunk in 0..VECTOR_LANES / 4 {
            let rows = self.group.rows;
            for (value, row) in values.iter().zip(rows) {
                self.chunk(*value, chunk);
                self.set(row);
            }
            self.transpose();
            for (lane, row) in (0u32..).zip(rows) {
                self.get(base);
                self.get(row);
                let at = self.at(elements, chunk * 4 + lane);
                self.op(W::V128Store(at));
            }
        }
        true
    }
}
