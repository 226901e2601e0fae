//! Loads and stores of four words for each thread, by transposition of 4x4 matrices: a row in memory
//! is what one thread accesses, a column is a register.

use wasm_encoder::Instruction as W;

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::coalesced_access::Elements;
use crate::compile::codegen::vector::{LOWER, VectorEmitter};
use crate::compile::ir::{Arg, Reg};

/// Shuffles: the low words of two vectors in turn, the high ones, and the upper halves.
const LOW_WORDS: [u8; 16] = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_WORDS: [u8; 16] = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
const UPPERS: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];

impl VectorEmitter<'_> {
    /// Loads four words for each thread at once; false where it is another access.
    pub(super) fn load_transposed(
        &mut self,
        elements: Elements<'_>,
        targets: &[Reg],
        base: u32,
    ) -> bool {
        let Elements { offsets, bytes, .. } = elements;
        let [a, b, c, d] = *targets else {
            return false;
        };
        let words = targets
            .iter()
            .all(|target| self.input.body.ty(*target).bytes() == 4);
        if bytes != 4 || !words || offsets.is_none() {
            return false;
        }
        for chunk in 0..self.lanes() / 4 {
            let first = chunk * 4;
            let earlier = (0..chunk).find(|chunk| offsets.repeats(first, chunk * 4, 4));
            if let Some(earlier) = earlier {
                for target in targets {
                    self.raw_chunk(*target, earlier);
                    self.set_chunk(*target, chunk);
                }
                continue;
            }
            if offsets.is_stride(first, 4, 0) {
                for (number, target) in (0i64..).zip(targets) {
                    let word = elements.nth(number);
                    self.get(base);
                    let at = self.at(word, first);
                    self.op(W::V128Load32Splat(at));
                    self.set_chunk(*target, chunk);
                }
                continue;
            }
            let rows = self.rows;
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
    fn transpose(&mut self) {
        let [a, b, c, d] = self.rows;
        let [low, high, _] = self.temps;
        let [other_low, other_high] = self.halves;
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
    pub(super) fn store_transposed(
        &mut self,
        elements: Elements<'_>,
        values: &[Arg],
        base: u32,
    ) -> bool {
        let Elements { offsets, bytes, .. } = elements;
        let words = values
            .iter()
            .all(|value| self.input.body.arg_ty(*value).bytes() == 4);
        if bytes != 4 || values.len() != 4 || !words || offsets.is_none() {
            return false;
        }
        for chunk in 0..self.lanes() / 4 {
            let rows = self.rows;
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
