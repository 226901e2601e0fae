//! The project's habits as commands. Each command is one file; this one only
//! reads the command line and sets the exit status.

mod api_check;
mod bench;
mod check;
mod components;
mod demo;
mod dist;
mod durability;
mod fuzz;
mod gpu_check;
mod http;
mod kernels;
mod languages;
mod models;
mod package;
mod picture;
mod product;
mod ptxas;
mod server;
mod stand_in;
mod steps;
mod test;
mod upgrade_drill;
mod wit;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The project's habits as commands.
///
/// Newcomers start with `cargo xtask demo`, which needs no GPU. Before a change
/// is sent: `cargo xtask check`, then `cargo xtask test`.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    disable_version_flag = true,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Components(components::Arguments),
    Kernels(kernels::Arguments),
    Test(test::Arguments),
    Check(check::Arguments),
    Bench(bench::Arguments),
    Fuzz(fuzz::Arguments),
    GpuCheck(gpu_check::Arguments),
    Ptxas(ptxas::Arguments),
    ApiCheck(api_check::Arguments),
    Wit(wit::Arguments),
    Languages(languages::Arguments),
    Models(models::Arguments),
    Package(package::Arguments),
    Dist(dist::Arguments),
    Durability(durability::Arguments),
    UpgradeDrill(upgrade_drill::Arguments),
}

fn main() -> ExitCode {
    let result = gpu_check::run_alone(None).unwrap_or_else(in_checkout);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.is::<gpu_check::NoGpu>() {
                true => ExitCode::from(gpu_check::NO_GPU),
                false => ExitCode::FAILURE,
            }
        }
    }
}

/// Runs a command of `cargo xtask`. All but one are about the checkout.
fn in_checkout() -> Result<()> {
    let arguments = Arguments::parse();
    if let Command::GpuCheck(arguments) = &arguments.command
        && let Some(outcome) = gpu_check::run_alone(Some(arguments))
    {
        return outcome;
    }
    let workspace = Workspace::find()?;
    match arguments.command {
        Command::Demo(arguments) => demo::run(&workspace, &arguments),
        Command::Components(arguments) => components::run(&workspace, &arguments),
        Command::Kernels(arguments) => kernels::run(&workspace, &arguments),
        Command::Test(arguments) => test::run(&workspace, &arguments),
        Command::Check(arguments) => check::run(&workspace, &arguments),
        Command::Bench(arguments) => bench::run(&workspace, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&workspace, &arguments),
        Command::GpuCheck(arguments) => gpu_check::run(&workspace, &arguments),
        Command::Ptxas(arguments) => ptxas::run(&workspace, &arguments),
        Command::ApiCheck(arguments) => api_check::run(&workspace, &arguments),
        Command::Wit(arguments) => wit::run(&workspace, &arguments),
        Command::Languages(arguments) => languages::run(&workspace, &arguments),
        Command::Models(arguments) => models::run(&workspace, &arguments),
        Command::Package(arguments) => package::run(&workspace, &arguments),
        Command::Dist(arguments) => dist::run(&workspace, &arguments),
        Command::Durability(arguments) => durability::run(&workspace, &arguments),
        Command::UpgradeDrill(arguments) => upgrade_drill::run(&workspace, &arguments),
    }
}
