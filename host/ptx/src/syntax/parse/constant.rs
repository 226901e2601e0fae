//! Constant expressions: integers of 64 bits that wrap.

use crate::syntax::lex::Token;
use crate::syntax::parse::{Parsed, Parser};

/// How deep parentheses and signs may be nested.
const DEEPEST: u32 = 32;

impl Parser<'_> {
    /// Whether the next token can begin a constant expression.
    pub(crate) fn begins_constant(&self) -> bool {
        matches!(
            self.token,
            Token::Integer(_) | Token::Mark('-' | '+' | '~' | '(')
        )
    }

    /// Reads an integer constant expression.
    pub(crate) fn constant(&mut self) -> Parsed<u64> {
        self.sum(0, 0)
    }

    /// The operator that comes next, how tightly it binds, and how many marks it has.
    fn operator(&self) -> Option<(char, u32, u32)> {
        let Token::Mark(mark) = self.token else {
            return None;
        };
        let doubled = self.peek() == Token::Mark(mark);
        match mark {
            '|' if !doubled => Some((mark, 1, 1)),
            '^' => Some((mark, 2, 1)),
            '&' if !doubled => Some((mark, 3, 1)),
            '<' | '>' if doubled => Some((mark, 4, 2)),
            '+' | '-' => Some((mark, 5, 1)),
            '*' | '/' | '%' => Some((mark, 6, 1)),
            _ => None,
        }
    }

    fn sum(&mut self, weakest: u32, depth: u32) -> Parsed<u64> {
        let mut left = self.operand_of_sum(depth)?;
        while let Some((mark, strength, marks)) = self.operator() {
            if strength <= weakest {
                break;
            }
            let at = self.at;
            for _ in 0..marks {
                self.bump();
            }
            // The depth grows by one per strength at most, so it stays bounded.
            let right = self.sum(strength, depth)?;
            let shift = u32::try_from(right).unwrap_or(u32::MAX);
            let (signed_left, signed_right) = (left.cast_signed(), right.cast_signed());
            left = match mark {
                '|' => left | right,
                '^' => left ^ right,
                '&' => left & right,
                '<' => left.checked_shl(shift).unwrap_or(0),
                '>' => left.checked_shr(shift).unwrap_or(0),
                '+' => left.wrapping_add(right),
                '-' => left.wrapping_sub(right),
                '*' => left.wrapping_mul(right),
                _ if right == 0 => return self.issue(at, "this constant is divided by zero"),
                '/' => signed_left.wrapping_div(signed_right).cast_unsigned(),
                _ => signed_left.wrapping_rem(signed_right).cast_unsigned(),
            };
        }
        Ok(left)
    }

    fn operand_of_sum(&mut self, depth: u32) -> Parsed<u64> {
        if depth > DEEPEST {
            let message = format!("constants are nested more than {DEEPEST} deep");
            return self.issue(self.at, message);
        }
        match self.token {
            Token::Integer(value) => {
                self.bump();
                Ok(value)
            }
            Token::Mark(sign @ ('-' | '+' | '~')) => {
                self.bump();
                let value = self.operand_of_sum(depth + 1)?;
                Ok(match sign {
                    '-' => value.wrapping_neg(),
                    '~' => !value,
                    _ => value,
                })
            }
            Token::Mark('(') => {
                self.bump();
                if let Token::Dot("s64" | "u64") = self.token {
                    self.bump();
                    self.expect(')')?;
                    return self.operand_of_sum(depth + 1);
                }
                let value = self.sum(0, depth + 1)?;
                self.expect(')')?;
                Ok(value)
            }
            _ => Err(self.unexpected("an integer constant")),
        }
    }
}
