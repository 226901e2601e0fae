//! What most commands build first: the components and the binary that serves them.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    components::{self, Which},
    steps::Steps,
    workspace::{Profile, Workspace},
};

/// How many steps [`build`] takes.
pub const STEPS: usize = 2;

/// Builds components and our binary, a step each; says where the binary is.
///
/// # Errors
/// Where something does not build.
pub fn build(
    workspace: &Workspace,
    steps: &mut Steps,
    which: Which,
    profile: Profile,
) -> Result<PathBuf> {
    build_of(workspace, steps, which, profile, None)
}

/// The same, with the commit that the binary says that it was built of.
///
/// # Errors
/// Where something does not build.
pub fn build_of(
    workspace: &Workspace,
    steps: &mut Steps,
    which: Which,
    profile: Profile,
    commit: Option<&str>,
) -> Result<PathBuf> {
    let step = steps.begin("building components");
    components::add_target(workspace, &step)?;
    let built = components::build(workspace, &step, which)?;
    step.done(format_args!("{} components", built.len()));

    let step = steps.begin(match profile {
        Profile::Dev => "building tensor-wasm (the first time takes minutes)",
        Profile::Release => "building tensor-wasm for release (the first time takes minutes)",
    });
    let binary = workspace.build_binary(&step, profile, commit)?;
    step.done(workspace.relative(&binary));
    Ok(binary)
}
