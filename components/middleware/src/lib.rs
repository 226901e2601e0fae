//! Shared code of the project's middleware components: error responses, and decimal
//! numbers as text. A middleware may be instantiated for every request, so the code has to
//! stay small: it does not use `std::fmt`, which would add a lot of code to a component.

mod bindings;
pub mod decimal;
pub mod error_body;
pub mod response;
