//! What the project's middlewares share: the answers that they give themselves, and
//! numbers as text. A middleware runs in front of every request, so this takes
//! care to stay small: it brings no formatting with it.

pub mod answer;
pub mod decimal;

mod bindings;
