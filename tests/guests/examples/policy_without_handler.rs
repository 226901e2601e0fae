//! A component that makes decisions but exports no HTTP handler: it exports a command instead.

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
