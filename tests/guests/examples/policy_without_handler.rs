//! A component that decides but handles no request: it exports a command where a
//! policy exports a handler.

use tensor_wasm_test_guests::policy::decision;
use wasip2::exports::cli::run::Guest;

struct Command;

impl Guest for Command {
    fn run() -> Result<(), ()> {
        decision::refuse(None, "nothing_to_decide");
        Ok(())
    }
}

wasip2::cli::command::export!(Command);
