//! How much a module may ask for. The text comes from strangers, so every number in it is held
//! against one of these before memory is taken for it.

/// The bounds within which a module is parsed and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The module's text, in bytes.
    pub text_bytes: usize,
    /// Instructions in the whole module.
    pub instructions: u32,
    /// Registers that one function uses. Those that are only declared cost nothing.
    pub registers: u32,
    /// Static shared memory of one block, in bytes.
    pub shared_bytes: u32,
    /// Local memory of one thread, all functions that are active at a time together, in bytes.
    pub local_bytes: u32,
    /// How often a function may be active at a time in one thread, where functions call one another
    /// in a circle.
    pub recursion_depth: u32,
    /// Parameters of one entry together, in bytes. Before PTX 8.1 and sm_70 there are 4096 bytes (PTX
    /// ISA, "Kernel Function Parameters"), whatever this says.
    pub param_bytes: u32,
    /// Module-scope `.global` and `.const` variables together, in bytes.
    pub global_bytes: u64,
    /// Entries, functions, variables and labels: everything with a name, counted together.
    pub names: u32,
    /// The state of one running block, in bytes: its shared memory, and the registers and local
    /// memory of all of its threads.
    pub block_bytes: u64,
    /// The newest `.target` that is accepted: 90 stands for `sm_90`.
    pub max_target: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            text_bytes: 32 << 20,
            instructions: 1 << 20,
            registers: 64 << 10,
            shared_bytes: 48 << 10,
            local_bytes: 512 << 10,
            recursion_depth: 32,
            param_bytes: 32_764,
            global_bytes: 256 << 20,
            names: 256 << 10,
            block_bytes: 64 << 20,
            max_target: 90,
        }
    }
}
