//! A service with a heavy set-up: a table of primes, which takes some tenths of a second to make, and as
//! much memory as a small model. `sets_up` makes it in each instance, `sets_up_in_init` once.

use std::sync::OnceLock;

use tensor_wasm_guest::http::{Request, Response};

/// Up to where numbers are looked at.
const NUMBERS: usize = 16 << 20;

static TABLE: OnceLock<Table> = OnceLock::new();

struct Table {
    is_prime: Vec<bool>,
    count: usize,
}

/// Makes the table, unless this instance has it.
///
/// # Errors
/// None.
pub fn set_up() -> Result<(), String> {
    TABLE.get_or_init(table);
    Ok(())
}

fn table() -> Table {
    let mut is_prime = vec![true; NUMBERS];
    is_prime[..2].fill(false);
    let mut number = 2;
    while number * number < NUMBERS {
        if is_prime[number] {
            for multiple in (number * number..NUMBERS).step_by(number) {
                is_prime[multiple] = false;
            }
        }
        number += 1;
    }
    let count = is_prime.iter().filter(|is| **is).count();
    Table { is_prime, count }
}

/// Answers with the number of primes in the table, and whether the number in the path is one.
#[must_use]
pub fn handle(request: &Request) -> Response {
    let table = TABLE.get_or_init(table);
    let number = request.path().trim_start_matches('/').parse().ok();
    let is_prime = number.and_then(|number: usize| table.is_prime.get(number));
    let answer = format!("{} {}\n", table.count, is_prime.is_some_and(|is| *is));
    Response::text(200, answer)
}
