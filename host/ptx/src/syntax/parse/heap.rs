//! The heap of kernels: `malloc` and `free`, which a module declares and the device provides (CUDA C++
//! Programming Guide, "Dynamic Global Memory Allocation and Operations").
//!
//! They are functions of PTX like a module's own, over a variable of the module: so the heap is bounded,
//! counts as the tenant's memory, lives as long as its module, and is compiled like all else. Printed,
//! they are declarations again, for a device that has functions of its own.

use std::collections::HashSet;

use crate::syntax::lex::Lexer;
use crate::syntax::parse::Parser;
use crate::syntax::pointers::shape;
use crate::syntax::tree::{Linkage, Operand};

/// The name of the variable that is the heap.
pub(crate) const HEAP: &str = "malloc$heap";

/// The variable, and the functions: as many bytes as CUDA gives the heap unless it is told otherwise.
const VARIABLE: &str = ".global .align 256 .b8 malloc$heap[8388608];";
const MALLOC: &str = include_str!("malloc.ptx");
const FREE: &str = include_str!("free.ptx");

/// Each function: its name, the sizes of its results and parameters in bytes, and its text.
const FUNCTIONS: [(&str, &[u32], &[u32], &str); 2] =
    [("malloc", &[8], &[8], MALLOC), ("free", &[], &[8], FREE)];

impl Parser<'_> {
    /// Adds the functions of the heap that the module declares and calls.
    pub(crate) fn provide_heap(&mut self) {
        let declared = FUNCTIONS
            .iter()
            .filter_map(|(name, results, params, text)| {
                let functions = (0u32..).zip(&self.module.functions);
                let mut named = functions.filter(|(_, function)| {
                    function.name == *name && !function.defined && function.entry.is_none()
                });
                let (index, function) = named.next()?;
                let (own_results, own_params) = shape(function);
                (own_results == *results && own_params == *params).then_some((index, *text))
            });
        let declared: Vec<(u32, &'static str)> = declared.collect();
        if declared.is_empty() {
            return;
        }
        let bodies = self.module.functions.iter().flat_map(|each| &each.body);
        let called: HashSet<u32> = bodies
            .flat_map(|instruction| &instruction.operands)
            .filter_map(|operand| match operand {
                Operand::Call(site) => Some(site.functions()),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        let mut has_heap = false;
        for (index, text) in declared {
            if !called.contains(&index) {
                continue;
            }
            if !has_heap {
                self.read_provided(VARIABLE);
                has_heap = true;
            }
            let function = self.module.functions.get(index as usize);
            let at = function.map(|function| function.at).unwrap_or_default();
            self.read_provided(text);
            if let Some(function) = self.module.functions.get_mut(index as usize) {
                function.provided = true;
                function.linkage = Linkage::Extern;
                function.at = at;
                // Lines of the module's own text: what is wrong is said where it declares the function.
                for instruction in &mut function.body {
                    instruction.at = at;
                }
            }
        }
    }

    /// Reads a text of the device's own as if it stood behind the module's.
    fn read_provided(&mut self, text: &'static str) {
        self.lexer = Lexer::new(text.as_bytes());
        self.bump();
        while self.token != crate::syntax::lex::Token::End {
            if let Err(issue) = self.item() {
                self.report(issue);
                return;
            }
        }
    }
}
