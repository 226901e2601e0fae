//! The parts of the script. Each writes what it sees as it sees it, and says by an error that it could not go
//! on.

pub mod faults;
pub mod figures;
pub mod kernels;
pub mod listing;
pub mod machine;
pub mod messages;
pub mod service;
pub mod suite;
